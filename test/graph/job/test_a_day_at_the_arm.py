# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A day at the arm, by a person at the terminal: one start per stage, and nothing is lost.

The mock arm is the physical one: it runs outside, and `inril` shares its domain. With `--long` the
day is spent beside eight busy processes once more.
"""

from dataclasses import dataclass
import signal
import subprocess
import sys
import time
from typing import Any

from contract_files import with_keys
from moving_leader import MovingLeader
from person_terminal import Person
import pytest

from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.data.record_files import read_json, read_json_lines
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.graph.description import GraphDescription, GraphOptions, simulation_graph
from inril_ros.graph.domain import reserve_domain, share_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.robot.contract.contract import load_contract

WANTED, STEPS = 4, 1000
PAUSE = 600.0  # [s] for which nobody is at the terminal, on an idle machine
SETTINGS = """
m: 4
imitation_batch: 32
host: {name: idql, warmup_steps: 100, warmup_updates: 20, updates_per_step: 0.25, batch: 32,
       candidates: 2}
evaluation: null
"""
SCENE = 'a person to confirm that the scene is ready: press enter'
CONSENT = 'E (enable motion): motion is enabled'


@dataclass
class Place:
    """The arm with its run and its leader."""

    folder: Any
    contract: Any
    leader: MovingLeader
    pause: float
    environment: dict

    @property
    def run(self):
        """The folder of the run."""
        return self.folder / 'run'

    def inril(self, *arguments):
        """Return a person at a command of the run."""
        return Person('-m', 'inril_ros.cli.main', *arguments, **self.environment)


@pytest.fixture(scope='module', params=[
    pytest.param(0, id='idle'), pytest.param(8, id='busy', marks=pytest.mark.long)])
def load(request):
    """Processes that do nothing but compute, each in a session of its own as the nodes are."""
    others = [subprocess.Popen([sys.executable, '-c', 'while True: pass'], start_new_session=True)
              for _ in range(request.param)]
    yield len(others)
    for other in others:
        other.kill()
        other.wait()


@pytest.fixture(scope='module')
def place(tmp_path_factory, load):
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
        yield Place(folder, contract, leader, 5.0 if load else PAUSE, {
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


@pytest.fixture(scope='module')
def recorded(place):
    """The place after a recording: a discard, an e-stop and a protective stop in one start."""
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
    return place


@pytest.mark.long
def test_first_the_doctor_finds_no_error(place):
    with place.inril('doctor', '--contract', place.contract) as person:
        person.sees('teleop')
        assert person.finish() == 0


def test_then_a_dry_run_is_told_as_one_and_moves_nothing(place):
    dry = place.folder / 'dry'
    with place.inril('record', dry, '--task', 'wave', '--contract', place.contract,
                     '--simulation', '', '--dry-run') as person:
        person.sees('motion is not enabled')
        person.presses_until(b'E', CONSENT)
        before = dict(place.leader.joints)
        begin(person, place)
        person.press(b'y')
        person.sees('recorded in a dry run: nothing was sent to the robot')
        person.sees(SCENE)
        assert place.leader.joints == pytest.approx(before, abs=0.01)
        person.process.send_signal(signal.SIGINT)
        assert person.finish() == 130
        assert person.restored
    run = RunDirectory.open(next(dry.iterdir()))
    found = [each.state for each in list_demonstrations(run.demonstrations)]
    assert found.count('dry run') == 1 and set(found) <= {'dry run', 'rejected'}
    assert not list(run.finished_stages()) and not run.attempts.exists()


def test_four_demonstrations_take_one_start_with_a_discard_an_e_stop_and_a_protective_stop(
        recorded):
    run = RunDirectory.open(recorded.run)
    rows = read_json_lines(run.attempts)
    assert [row['outcome'] for row in rows] == [
        'success', 'aborted', 'aborted', 'aborted', *['success'] * (WANTED - 1)]
    assert list(run.finished_stages()) == ['record']


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_then_it_is_cloned_evaluated_and_fine_tuned_with_a_takeover_and_an_interruption(recorded):
    place, run = recorded, RunDirectory.open(recorded.run)
    settings = place.run.with_name('settings.yaml')
    settings.write_text(SETTINGS)
    with place.inril('pretrain', place.run, '--clone-steps', 100, '--despite-findings',
                     '--device', 'cpu') as person:
        assert person.finish() == 0

    with place.inril('evaluate', place.run, '--model', 'pretrained', '--episodes', 2) as person:
        person.sees('motion is not enabled')
        person.presses_until(b'E', CONSENT)
        for key in (b'y', b'n'):
            _watch(person, key)
        assert person.finish() == 0
    evaluated = read_json(run.evaluation('pretrained'))
    assert [row['success'] for row in evaluated['episodes']] == [True, False]

    command = ('finetune', place.run, '--steps', STEPS, '--config', settings, '--device', 'cpu')
    with place.inril(*command) as person:
        person.sees('motion is not enabled')
        person.presses_until(b'E', CONSENT)
        begin(person, place)  # the person takes over
        person.press(b'y')
        person.sees('y (the episode is a success): a success')
        _watch(person, b'y')
        person.sees(SCENE)
        person.waits(place.pause)
        _watch(person, b'y')
        person.sees(SCENE)
        person.process.send_signal(signal.SIGINT)
        assert person.finish() == 130
    before = read_json_lines(run.episodes)
    assert len(before) == 3 and before[0]['person_ticks'] > 0

    with place.inril('finetune', place.run, '--resume') as person:
        person.sees('motion is not enabled')
        person.presses_until(b'E', CONSENT)
        while read_json_lines(run.episodes)[-1]['env_steps'] < STEPS:
            known = len(read_json_lines(run.episodes))
            _watch(person, b'y')
            person.until(lambda known=known: len(read_json_lines(run.episodes)) > known,
                         'the episode in the records')
        assert person.finish() == 0
    assert read_json_lines(run.episodes)[:3] == before
    assert {row['fate'] for row in read_json_lines(run.episodes)} == {'kept'}
    assert read_json(run.result)['env_steps'] >= STEPS
    assert list(run.finished_stages()) == ['record', 'pretrain', 'evaluate_pretrained', 'finetune']
    with place.inril('report', place.run) as person:
        assert person.finish() == 0
    assert run.report.exists()


def _watch(person, key):
    """Set the scene, let the policy act for a while, and judge."""
    person.sees(SCENE)
    person.press(b'\r')
    person.sees('enter (the scene is set): the episode begins')
    person.sees('s of at most 60 s')
    time.sleep(4.0)
    person.press(key)
    person.sees(' (the episode is a ')
