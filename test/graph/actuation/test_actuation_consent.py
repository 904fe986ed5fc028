# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Motion needs consent, the e-stop latches, and the last command is a hold however it ends."""

import os
from pathlib import Path
import signal
import sys
import time

from inril_ros.msg import ActuationStatus, EpisodeEvent, ExecutedAction
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
import numpy as np
from played_robot import described, playing
import pytest
from trajectory_msgs.msg import JointTrajectory

from inril_ros.graph.supervisor import node_command, NodeDied
from inril_ros.robot.messages.codecs import stamp_ns

MODES = ActuationStatus
NEAR = np.array([0.9, 0.1])  # far enough for a motion of some time
ENABLE_FIRST = 'motion is not enabled: call /actuation_node/enable'


@pytest.fixture(scope='module')
def node(tmp_path_factory):
    with playing(tmp_path_factory.mktemp('consent')) as (robot, nodes):
        robot.until(lambda: robot.status is not None, 'a status')
        yield robot, nodes


@pytest.fixture
def robot(node):
    """Return a robot at rest, without consent to motion."""
    robot, nodes = node
    robot.place([0.5, 0.5])
    robot.target = NEAR
    robot.until(lambda: robot.call('ready')[1].startswith('motion is not enabled'), 'activation')
    yield robot
    nodes.check()
    robot.release()
    robot.call('enable', False)


def wait_on_the_way(robot):
    """Wait until the arm moves fast."""
    since = len(robot.commands)
    robot.until(lambda: len(robot.commands) > since + 2 and np.abs(
        np.diff(robot.positions(since), axis=0)[-1]).max() > 0.01, 'motion')


def wait_at_rest(robot):
    robot.until(lambda: robot.rests(), 'rest')


def test_nothing_moves_without_consent_and_consent_alone_moves_nothing(robot):
    before = len(robot.commands)
    refused = robot.wait(robot.ask(), EpisodeEvent.REFUSED)
    assert refused.reason == ENABLE_FIRST
    assert robot.call('enable', True) == (True, 'motion is enabled')
    robot.until(lambda: robot.status.enabled, 'the status')
    assert robot.status.mode == MODES.IDLE
    assert len(robot.commands) == before
    robot.begin()
    robot.wait_policy()
    assert robot.call('enable', False) == (True, 'motion is not enabled')
    held = robot.wait_held('motion is not enabled')
    assert held.source == ExecutedAction.HOLD
    wait_at_rest(robot)
    assert robot.call('enable', True)[0]
    robot.wait_policy()
    robot.check_motion(before)


def test_another_commander_in_motion_holds_the_arm_until_it_has_left_and_a_person_resumes(robot):
    robot.call('enable', True)
    robot.begin()
    robot.wait_policy()
    with robot.another_node('forger', JointTrajectory, 'arm'):
        held = robot.wait_held('/forger publishes on /arm, a topic of commands')
        assert held.source == ExecutedAction.HOLD
        robot.until(lambda: robot.status.latched.startswith('/forger'), 'the status')
        assert robot.status.mode == MODES.HOLD
        wait_at_rest(robot)
        assert robot.call('resume')[1].startswith('/forger')
    robot.until(lambda: robot.call('resume')[0], 'the end of the forger')
    robot.wait_policy()
    robot.call('abort')
    wait_at_rest(robot)


def test_only_release_enable_and_resume_lead_out_of_the_estop(robot):
    robot.call('enable', True)
    episode, before = robot.begin(), len(robot.commands)
    wait_on_the_way(robot)
    assert robot.call('estop', True)[0]
    ended = robot.wait(episode, EpisodeEvent.ENDED)
    assert (ended.outcome, ended.reason) == (EpisodeEvent.ABORTED, 'e-stop: ~/estop')
    wait_at_rest(robot)
    robot.until(lambda: robot.status.mode == MODES.ESTOP, 'the mode')
    assert robot.status.estop and not robot.status.enabled
    robot.check_motion(before)

    def refused():
        return robot.wait(robot.ask(), EpisodeEvent.REFUSED).reason
    assert refused() == 'e-stop: ~/estop'
    assert robot.call('resume') == (False, 'the e-stop is still pressed')
    taken, answer = robot.call('enable', True)
    assert not taken and 'e-stop is still pressed' in answer
    assert refused() == 'e-stop: ~/estop'
    assert robot.call('estop', False)[0]
    assert 'not enabled' in refused()  # consent while the e-stop was pressed was none
    assert robot.call('resume') == (False, 'motion is not enabled')
    assert robot.call('enable', True) == (
        True, 'motion is enabled; resume to go on: e-stop: ~/estop')
    assert refused() == 'e-stop: ~/estop'
    robot.place(robot.joints - 0.2)  # a person has moved it meanwhile
    count = len(robot.commands)
    assert robot.call('resume') == (True, 'resumed')
    robot.begin()
    robot.wait_policy()
    first = robot.positions(count)[0]
    assert np.abs(first - robot.positions(count - 1)[0] + 0.2).max() < 0.05


def test_an_episode_can_be_requested_once_and_aborted(robot):
    robot.call('enable', True)
    episode = robot.begin()
    assert 'is running' in robot.wait(robot.ask(), EpisodeEvent.REFUSED).reason
    assert robot.call('abort') == (True, 'aborted')
    assert robot.wait(episode, EpisodeEvent.ENDED).reason == 'requested by ~/abort'
    assert robot.call('abort') == (False, 'no episode is running')


def change_state(robot, transition):
    """Request a lifecycle transition; return whether it succeeded."""
    client = robot._node.create_client(ChangeState, 'actuation_node/change_state')
    robot.until(client.service_is_ready, 'the lifecycle service')
    request = ChangeState.Request()
    request.transition.id = transition
    future = client.call_async(request)
    robot.until(future.done, 'a transition')
    return future.result().success


def state(robot):
    client = robot._node.create_client(GetState, 'actuation_node/get_state')
    robot.until(client.service_is_ready, 'the lifecycle service')
    future = client.call_async(GetState.Request())
    robot.until(future.done, 'the state')
    return future.result().current_state.id


def test_deactivation_ends_in_the_hold_and_withdraws_consent(robot):
    robot.call('enable', True)
    episode = robot.begin()
    wait_on_the_way(robot)
    before = len(robot.commands) - 3
    assert change_state(robot, Transition.TRANSITION_DEACTIVATE)
    assert robot.wait(episode, EpisodeEvent.ENDED).outcome == EpisodeEvent.ABORTED
    robot.until(lambda: not robot.status.enabled, 'the status')
    robot.until(lambda: (robot.positions()[-1] == robot.positions()[-2]).all(), 'the hold')
    robot.check_motion(before)
    count = len(robot.commands)
    assert robot.wait(robot.ask(), EpisodeEvent.REFUSED).reason.endswith('is not active')
    assert not robot.call('enable', True)[0]
    # After being torn down and set up again, it does everything once, not twice.
    assert change_state(robot, Transition.TRANSITION_CLEANUP)
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)
    robot.until(lambda: change_state(robot, Transition.TRANSITION_ACTIVATE), 'a pose')
    assert len(robot.commands) == count
    assert robot.wait(robot.ask(), EpisodeEvent.REFUSED).reason == ENABLE_FIRST
    robot.call('enable', True)
    since = len(robot.executed)
    robot.begin()
    robot.wait_policy()
    numbers = [tick.tick for tick in robot.executed[since:]]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_in_the_hold(number, tmp_path):
    with playing(tmp_path, enable_on_activate=True) as (robot, nodes):
        robot.target = NEAR
        robot.until(lambda: robot.status and robot.status.enabled, 'activation')
        episode = robot.begin()
        wait_on_the_way(robot)
        os.kill(nodes.process_id('actuation_node'), number)
        assert robot.wait(episode, EpisodeEvent.ENDED).outcome == EpisodeEvent.ABORTED
        code = wait_end(robot, nodes)
        assert code == 0
        check_last_is_hold(robot)


def broken(how):
    """Return a function that starts a node with a bug."""
    script = str(Path(__file__).with_name('broken_actuation.py'))
    return lambda node, log_level: [
        sys.executable, script, how, *node_command(node, log_level)[3:]]


@pytest.mark.parametrize('how', ['once', 'always'])
def test_an_error_in_a_callback_is_logged_and_ends_in_the_hold(how, tmp_path):
    with playing(tmp_path, command=broken(how), enable_on_activate=True) as (robot, nodes):
        robot.target = NEAR
        robot.until(lambda: robot.status and robot.status.enabled, 'activation')
        episode = robot.begin()
        assert robot.wait(episode, EpisodeEvent.ENDED).outcome == EpisodeEvent.ABORTED
        assert wait_end(robot, nodes) == 1
        check_last_is_hold(robot, braked=how == 'once')
        log = nodes.log_path('actuation_node').read_text()
    assert 'RuntimeError: broken on purpose' in log and 'Traceback' in log


@pytest.mark.parametrize('seconds', ['5', '-5'])
def test_a_clock_that_is_set_ends_the_episode(seconds, tmp_path):
    with playing(tmp_path, command=broken(seconds), enable_on_activate=True) as (robot, nodes):
        robot.target = NEAR
        robot.until(lambda: robot.status and robot.status.enabled, 'activation')
        ended = robot.wait(robot.begin(), EpisodeEvent.ENDED)
        assert ended.outcome == EpisodeEvent.ABORTED
        assert ended.reason.startswith(f'the clock jumped by {float(seconds):+.1f}')
        robot.until(robot.rests, 'rest')
        robot.check_motion()
        nodes.check()


def wait_end(robot, nodes):
    """Wait for the end of the node; return its exit code."""
    def ended():
        try:
            nodes.check()
        except NodeDied as died:
            return died
        return None
    return robot.until(ended, 'the end of the process').deaths[0].exit_code


def check_last_is_hold(robot, braked=True):
    """Check that the arm was braked within its limits and then held."""
    robot.until(lambda: (robot.positions()[-1] == robot.positions()[-2]).all(), 'the hold')
    positions = robot.positions()
    last = [tick for tick in robot.executed if tick.source != ExecutedAction.HOLD][-1]
    driven = next(index for index, position in enumerate(positions)
                  if np.allclose(position, last.executed, atol=1e-6))
    assert driven < len(positions) - 1, 'nothing was sent after the last step of the policy'
    if braked:
        robot.check_motion(driven - 3)


def test_a_killed_node_that_starts_again_moves_nothing(tmp_path):
    with playing(tmp_path) as (robot, nodes):
        robot.target = NEAR
        robot.until(lambda: robot.call('ready')[1].startswith('motion'), 'activation')
        robot.call('enable', True)
        robot.begin()
        wait_on_the_way(robot)
        os.kill(nodes.process_id('actuation_node'), signal.SIGKILL)
        assert wait_end(robot, nodes) == -signal.SIGKILL
        killed, seen = time.time_ns(), len(robot.statuses)
        nodes.restart('actuation_node')
        robot.until(lambda: len(robot.statuses) > seen + 2, 'the new process')
        assert robot.wait(robot.ask(), EpisodeEvent.REFUSED).reason.endswith(
            ('/enable', 'is not active'))
        assert robot.commands and all(stamp_ns(command) < killed for command in robot.commands)
        assert not robot.status.enabled and robot.status.mode == MODES.IDLE


def test_without_a_measured_pose_every_activation_is_refused(tmp_path):
    with playing(tmp_path, enable_on_activate=True) as (robot, nodes):
        robot.fault = 'silent'
        robot.until(lambda: robot.call('ready')[1].startswith('no pose was measured'), 'setup')
        assert not change_state(robot, Transition.TRANSITION_ACTIVATE)
        assert state(robot) == State.PRIMARY_STATE_INACTIVE
        assert not robot.status.enabled
        assert robot.wait(robot.ask(), EpisodeEvent.REFUSED).reason.endswith('is not active')
        assert robot.commands == []
        robot.fault, robot.target = '', NEAR
        robot.until(lambda: robot.status.enabled, 'activation by itself')
        robot.begin()
        assert np.abs(robot.positions()[0] - 0.5).max() < 0.05
        nodes.check()


@pytest.mark.parametrize(('changes', 'parameters', 'words'), [
    ({'kinematics__urdf': 'no.urdf'}, {}, 'no.urdf'),
    ({}, {'stall_timeout': -1.0}, 'stall_timeout'),
    ({'actions__arm__type': 'control_msgs/msg/JointJog', 'actions__arm__quantity': 'velocity',
      'actions__arm__max_velocity': [], 'actions__arm__max_lead': 0.3,
      'workspace': None, 'teleoperation__joint_action': '', 'actions__arm__hold': 'zero'}, {},
     'install the ROS package control_msgs')])
def test_an_unusable_configuration_ends_the_start_with_one_clear_message(
        changes, parameters, words, tmp_path):
    with playing(tmp_path, described(**changes), **parameters) as (robot, nodes):
        assert wait_end(robot, nodes) == os.EX_CONFIG
        assert words in nodes.log_path('actuation_node').read_text()
        assert robot.commands == []
