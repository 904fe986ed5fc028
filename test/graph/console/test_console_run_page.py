# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person works with the console's page alone, and nothing of the robot depends on it."""

from dataclasses import replace
from pathlib import Path
import signal
import urllib.error
import urllib.request

from console_page import browser, console, Page, PATIENCE
from inril_ros.msg import ActuationStatus
from played_arm import Player
from playwright.sync_api import expect
import pytest
from sensor_msgs.msg import JointState, Joy

from inril_ros.data.demonstrations.edit_file import read_edits
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.graph.description import GraphOptions, recording_graph
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.run_options import completed
from inril_ros.graph.supervisor import Supervisor
from inril_ros.nodes.base import qos

CONTRACT = Path(__file__).parents[3] / 'config' / 'robots' / 'mock_arm.yaml'


class Arm:
    """The mock arm that is asked for demonstrations, and its last status."""

    def __init__(self, run, domain, player):
        self.run, self.domain, self._player, self.status = run, domain, player, None
        player.listen(ActuationStatus, 'actuation/status', qos.STATE, self._take)
        for kind, topic in ((JointState, 'teleop/joint_states'), (Joy, 'teleop/joy')):
            player.publisher(kind, topic, qos.SENSOR)  # the person's device, at rest

    def _take(self, status):
        self.status = status

    def until(self, condition, what):
        self._player.until(lambda: self.status is not None and condition(self.status), what)


@pytest.fixture(scope='module')
def arm(tmp_path_factory):
    folder = tmp_path_factory.mktemp('console')
    graph = recording_graph(GraphOptions(**completed('record', {
        'run': str(folder / 'run'), 'contract': str(CONTRACT), 'task': 'reach', 'episodes': 30,
        'mock_arm': True, 'teleop_device': 'external'})))
    graph = replace(graph, nodes=tuple(
        replace(node, parameters={**node.parameters, 'enable_on_activate': False})
        if node.name == 'actuation_node' else node for node in graph.nodes))
    with reserve_domain() as domain, Player(domain) as player, Supervisor(
            graph, folder / 'logs', domain_id=domain, quiet=True) as nodes:
        player.check = nodes.check
        made = Arm(RunDirectory.open(folder / 'run').path, domain, player)
        made.until(lambda status: True, 'a status')
        yield made


def test_a_person_works_by_clicks_and_keys_alone(arm, tmp_path):
    with console(tmp_path, arm.run, '--domain', arm.domain) as (_, address), browser() as made:
        page = Page(made, address)
        page.sees('Waiting: motion is not enabled')
        page.press('enable')
        page.sees('Enable motion: motion is enabled')
        page.press('success')
        page.sees('so far1 success')
        page.press('pause')
        page.sees('pauses after this episode')
        page.key('y')
        page.sees('Waiting: a person wanted a pause')
        page.press('go_on')
        page.sees('of at most 10 s')
        page.key('Escape')
        page.sees('E-STOP')
        arm.until(lambda status: status.estop and not status.enabled, 'the stop')
        page.key('E')  # before the release it is not even asked for
        page.sees('Enable motion: NOT DONE: the e-stop is pressed')
        for meaning in ('release', 'enable', 'resume'):
            page.press(meaning)
        page.sees('of at most 10 s')
        page.page.click('text=Episodes')
        page.sees('aborted')
        page.sees('judged by a person')
        assert not page.overflows and not Page(made, address, 390).overflows


def test_a_demonstration_is_looked_at_and_edited_and_its_bag_stays(arm, tmp_path):
    with console(tmp_path, arm.run, '--domain', arm.domain) as (_, address), browser() as made:
        page = Page(made, f'{address}/demonstrations')
        page.page.click('.bag')
        page.sees('as it was recorded')
        bag, = arm.run.glob('demonstrations/*/metadata.yaml')
        page.page.click('[data-edit=drop]')
        page.sees('Not done: say who edits')
        page.page.fill('input[aria-label="who edits"]', 'anna')
        page.page.click('[data-edit=drop]')
        page.sees('dropped by anna')
        assert [each.by for each in read_edits(bag.parent).log] == ['anna']
        page.page.click('[data-edit=restore]')
        page.sees('It is as it was recorded.')
        page.page.fill('input[aria-label="at the beginning [s]"]', '1000')
        page.page.click('[data-edit=trim]')
        page.sees('leave none; drop it, or trim less')


def test_killed_reloaded_or_opened_twice_it_changes_nothing(arm, tmp_path):
    with browser() as made:
        with console(tmp_path, arm.run, '--domain', arm.domain) as (command, address):
            first, second = Page(made, address), Page(made, address)
            first.press('discard')
            first.sees('of at most 10 s')
            second.sees('of at most 10 s')
            second.page.reload()
            second.sees('of at most 10 s')
            ticks = arm.status.ticks
            command.signal(signal.SIGKILL)
            first.sees('Connection lost')
        arm.until(lambda status: status.ticks > ticks + 50, 'ticks after the end of the console')
        with console(tmp_path, arm.run, '--domain', arm.domain) as (_, address):
            page = Page(made, address)
            page.press('end')
            page.press('discard')
            page.sees('a person has ended the stage')


def test_without_a_graph_the_page_says_so_and_waits(arm, tmp_path):
    with reserve_domain() as empty, browser() as made, console(
            tmp_path, arm.run, '--domain', empty) as (_, address):
        page = Page(made, address)
        page.sees('No graph of this run is known')
        page.key('E')
        page.sees('Enable motion: NOT DONE: No graph of this run is known')
        page.press('stop')
        page.sees('STOP: NOT DONE: service actuation_node/estop is not available: the arm is not '
                  'stopped by this; use the stop of the robot itself')


def test_several_robots_are_on_one_page_and_the_stop_is_about_all_of_them(arm, tmp_path):
    with reserve_domain() as domain, Player(domain) as player, browser() as made, console(
            tmp_path, arm.run, '--domain', domain) as (_, address):
        for name in ('left', 'right'):
            player.publisher(ActuationStatus, f'{name}/actuation/status', qos.STATE).publish(
                ActuationStatus())
        page = Page(made, address)
        for text in ('mock_arm left', 'mock_arm right', 'keys for right'):
            page.sees(text)
        page.key('Escape')
        expect(page.page.locator('.presses', has_text='STOP: NOT DONE')).to_have_count(
            2, timeout=PATIENCE)
        page.page.click('text=keys for right')
        page.key('E')
        expect(page.page.locator('.robot', has_text='Enable motion: ')).to_have_count(
            1, timeout=PATIENCE)
        assert not page.overflows


def test_from_another_machine_the_page_asks_for_the_token(arm, tmp_path):
    with console(tmp_path, arm.run, '--host', '0.0.0.0') as (_, address), browser() as made:
        plain, _, token = address.replace('0.0.0.0', '127.0.0.1').partition('?token=')
        assert len(token) > 40
        for name in ('', '_nicegui_ws/socket.io/?EIO=4&transport=polling', 'camera/-/front'):
            with pytest.raises(urllib.error.HTTPError, match='401'):
                urllib.request.urlopen(plain + name)
        page = Page(made, plain)
        page.sees('needs a token')
        page.page.fill('input', 'wrong')
        page.page.click('button')
        page.sees('not the token')
        page.page.fill('input', token)
        page.page.click('button')
        page.sees('mock_arm')
        assert token not in page.page.url
        for name in ('camera/-/..%2f..%2frun.json', 'camera/-/none', 'camera/x/front',
                     '..%2f..%2fetc/passwd', '_nicegui/auto/static/..%2f..%2fx'):
            answer = page.page.request.get(plain + name)
            assert answer.status == 404, name
        assert page.page.request.get(
            plain, headers={'Origin': 'http://evil.example'}).status == 403
