# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Beside nodes of a launch file, a conductor node records a run as `inril` does, and waits."""

from dataclasses import replace
import os
from pathlib import Path
import signal

from attending_person import AttendingPerson
from played_arm import Player
import pytest
from sensor_msgs.msg import JointState, Joy

from inril_ros.data.record_files import read_json, read_json_lines
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.graph.description import GraphOptions, recording_graph
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.run_options import completed
from inril_ros.graph.supervisor import Supervisor
from inril_ros.nodes.base import qos

CONTRACT = Path(__file__).parents[3] / 'config' / 'robots' / 'mock_arm.yaml'
WANTED = 3


def graph_of(folder):
    """Return the graph that record.launch.py starts; its arm needs consent, as a real one."""
    graph = recording_graph(GraphOptions(**completed('record', {
        'run': str(folder), 'contract': str(CONTRACT), 'task': 'reach', 'episodes': WANTED,
        'mock_arm': True, 'respawn': True, 'teleop_device': 'external'})))
    return replace(graph, nodes=tuple(
        replace(node, parameters={**node.parameters, 'enable_on_activate': False})
        if node.name == 'actuation_node' else node for node in graph.nodes))


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    """A recording with an e-stop in its first episode, and a conductor that is killed later."""
    folder = tmp_path_factory.mktemp('recorded')
    happened = []

    def meddle(name, status):
        if not happened:
            happened.append('e-stop')
            person.call('actuation_node/estop', True)
            return True
        if status['done'] == '1' and 'kill' not in happened:
            happened.append('kill')
            os.kill(nodes.process_id('conductor_node'), signal.SIGKILL)
            return True
        return False

    with reserve_domain() as domain, Player(domain) as player, Supervisor(
            graph_of(folder / 'run'), folder / 'logs', domain_id=domain, quiet=True) as nodes:
        player.check = nodes.check
        person = AttendingPerson(player)
        for kind, topic in ((JointState, 'teleop/joint_states'), (Joy, 'teleop/joy')):
            player.publisher(kind, topic, qos.SENSOR)  # the person's device, at rest
        person.meddle = meddle
        player.until(lambda: person.last().get('state') == 'finished',
                     lambda: (person.last(), (folder / 'logs' / 'conductor_node.log').read_text()))
        yield RunDirectory.open(folder / 'run'), person, nodes


def test_a_person_gives_consent_and_resumes_after_the_stop_as_the_status_says(recorded):
    _, person, _ = recorded
    assert person.asked[''][:4] == ['enable', 'release', 'enable', 'resume']
    waits = {each['waiting_for'] for each in person.statuses[''] if each['action']}
    assert 'the e-stop is pressed' in waits


def test_no_demonstration_is_lost_and_the_killed_conductor_goes_on(recorded):
    run, person, nodes = recorded
    rows = read_json_lines(run.attempts)
    assert [row['saved'] for row in rows].count(True) >= WANTED - 1
    assert rows[0]['outcome'] == 'aborted' and 'e-stop' in rows[0]['reason']
    assert read_json(run.recording)['demonstrations'] == WANTED
    assert list(run.finished_stages()) == ['record']
    assert run.stage_settings('record')['demonstrations'].value == WANTED
    assert len({row['episode_id'] for row in rows}) == len(rows)
    log = nodes.log_path('conductor_node').read_text()
    assert log.count('record: done;') == 1


def test_its_records_make_a_report(recorded):
    from inril_ros.cli.report.page import write_report

    run, _, _ = recorded
    write_report(run.path)
    assert run.report.stat().st_size > 1000
