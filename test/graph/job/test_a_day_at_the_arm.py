# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A day at the arm, by a person at the terminal: one start per stage, and nothing is lost.

The mock arm is the physical one: it runs outside, and `inril` shares its domain.
"""

from dataclasses import dataclass
import time
from typing import Any

from contract_files import with_keys
from moving_leader import MovingLeader
from person_terminal import Person
import pytest

from inril_ros.data.record_files import read_json_lines
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.graph.description import GraphDescription, GraphOptions, simulation_graph
from inril_ros.graph.domain import reserve_domain, share_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.robot.contract.contract import load_contract

WANTED = 3
SCENE = 'a person to confirm that the scene is ready: press enter'
CONSENT = 'E (enable motion): motion is enabled'


@dataclass
class Place:
    """The arm with its run and its leader."""

    run: Any
    contract: Any
    leader: MovingLeader
    environment: dict

    def inril(self, *arguments):
        """Return a person at a command of the run."""
        return Person('-m', 'inril_ros.cli.main', *arguments, **self.environment)


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp('day')
    contract = with_keys('mock_arm', folder / 'arm.yaml', **{
        'episode.time_limit': 60.0, 'episode.ready': 'person', 'safety.latch_after': 3.0,
        'safety.max_camera_age': 60.0, 'safety.camera_frozen_after': 60.0})
    arm = simulation_graph(GraphOptions(contract=str(contract), run_id='', mock_arm=True))
    with reserve_domain() as domain:
        pass  # a free one; a physical arm shares its domain with others
    with share_domain(domain), Supervisor(
            GraphDescription('arm', arm.nodes), folder / 'logs', domain_id=domain,
            quiet=True) as nodes, MovingLeader(load_contract(contract), domain) as leader:
        yield Place(folder / 'run', contract, leader, {
            key: value for key, value in nodes.environment.items() if 'ROS' in key})


def begin(person, place):
    """Set the scene, and drive until something can be seen of it."""
    person.sees(SCENE)
    person.press(b'\r')
    person.sees('enter (the scene is set): the episode begins')
    place.leader.held = True
    person.sees('s of at most 60 s')
    time.sleep(3.0)  # of motion
    place.leader.held = False


def test_three_demonstrations_take_one_start_with_a_discard_an_e_stop_and_a_protective_stop(
        place):
    with place.inril('record', place.run, '--task', 'wave', '--contract', place.contract,
                     '--simulation', '', '--demos', WANTED) as person:
        person.sees('motion is not enabled')
        person.presses_until(b'E', CONSENT)
        begin(person, place)
        person.press(b'y')
        person.sees('y (the episode is a success): a success')

        begin(person, place)
        person.press(b'\x7f')
        person.sees('backspace (abort the episode, keep nothing of it): aborted')

        begin(person, place)
        person.press(b'\x1b')
        person.sees('the e-stop is pressed: press U')
        person.press(b'U')
        person.sees('U (release the e-stop): released')
        person.presses_until(b'E', CONSENT)
        person.presses_until(b'R', 'R (resume after a hold or an e-stop): resumed')

        begin(person, place)
        place.leader.fail('silent')
        person.sees('the arm is held')
        place.leader.fail('')
        person.presses_until(b'R', 'R (resume after a hold or an e-stop): resumed', pause=3.0)
        person.press(b'\x7f')
        person.sees('backspace (abort the episode, keep nothing of it): aborted')

        for _ in range(WANTED - 1):
            begin(person, place)
            person.press(b'y')
            person.sees('y (the episode is a success): a success')
        assert person.finish() == 0
        assert person.restored
    run = RunDirectory.open(place.run)
    rows = read_json_lines(run.attempts)
    assert [row['outcome'] for row in rows] == [
        'success', 'aborted', 'aborted', 'aborted', 'success', 'success']
    assert list(run.finished_stages()) == ['record']
