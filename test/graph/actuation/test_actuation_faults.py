# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Faults around a running arm: the actuation node holds it in time, with the reason.

A real node in real time, with a robot played by the test; the same faults without ROS, tick by
tick, are in test/robot/motion/test_command_path_faults.py.
"""

from inril_ros.msg import ActuationStatus, EpisodeEvent, ExecutedAction
import numpy as np
from played_robot import AHEAD, described, MAX_AGE, PERIOD, playing
import pytest

from inril_ros.robot.messages.codecs import stamp_ns

HOLD, POLICY = ExecutedAction.HOLD, ExecutedAction.POLICY
NEAR = np.array([0.6, 0.4])


@pytest.fixture(scope='module')
def node(tmp_path_factory):
    """Yield a robot with an actuation node that has consent to move it."""
    with playing(tmp_path_factory.mktemp('faults'), enable_on_activate=True) as (robot, nodes):
        robot.until(lambda: robot.status and robot.status.enabled, 'activation')
        yield robot, nodes


@pytest.fixture
def robot(node):
    """Return the robot in a running episode, driven by the policy."""
    robot, nodes = node
    nodes.check()
    robot.fault = robot.camera = ''
    robot.target, robot.late = NEAR, 0
    episode = robot.begin()
    robot.wait_policy()
    yield robot
    nodes.check()
    robot.call('resume')
    robot.call('abort')
    ended = robot.wait(episode, EpisodeEvent.ENDED)
    assert ended.outcome == EpisodeEvent.ABORTED
    robot.fault = robot.camera = ''
    robot.until(robot.rests, 'rest')


def recovers(robot):
    """End the fault; check that the policy drives again without a person."""
    robot.fault = robot.camera = ''
    robot.wait_policy()


# The robot's state.

@pytest.mark.parametrize('fault', ['silent', 'stuck', 'back', 'nan', 'missing'])
def test_a_missing_or_invalid_state_holds_the_arm_in_two_periods(robot, fault):
    robot.fault = fault
    held = robot.wait_tick(lambda tick: any(
        'joint_states' in text or 'observation' in text for text in tick.reasons), 'a hold')
    assert held.source == HOLD and len(held.executed) == 2
    # The last good state can be MAX_AGE old. No later tick is the policy's; at most two have no
    # source yet.
    limit = robot.last_good + round(1e9 * (MAX_AGE + 2 * PERIOD))
    robot.wait_tick(lambda tick: stamp_ns(tick) > limit + 10 ** 8)
    assert all(tick.source == HOLD for tick in robot.executed if stamp_ns(tick) > limit)
    recovers(robot)


def test_joints_in_another_order_are_found_by_name(robot):
    robot.fault = 'swapped'
    robot.until(lambda: np.abs(robot.joints - NEAR).max() < 1e-3, 'the target')
    assert robot.wait_tick(lambda tick: True).source == POLICY


def test_an_arm_that_does_not_follow_is_held_until_a_person_resumes(robot):
    robot.until(lambda: np.abs(robot.joints - NEAR).max() < 1e-3, 'the target')
    robot.fault = 'deaf'
    robot.joints = robot.joints - 1.0
    held = robot.wait_held('arm does not follow its commands')
    robot.fault = ''
    robot.joints = np.array(held.executed)
    robot.wait_held('held until resumed: arm does not follow its commands')
    assert robot.status.latched == 'arm does not follow its commands'
    assert robot.call('resume') == (True, 'resumed')
    recovers(robot)


def test_a_time_limit_that_a_hold_used_up_is_no_failure_of_the_policy(tmp_path):
    with playing(tmp_path, described(episode__time_limit=4.0),
                 enable_on_activate=True) as (robot, nodes):
        robot.until(lambda: robot.status and robot.status.enabled, 'activation')
        robot.target = NEAR
        episode = robot.begin()
        robot.until(lambda: np.abs(robot.joints - NEAR).max() < 1e-3, 'the target')
        robot.fault = 'deaf'
        robot.joints = robot.joints - 1.0
        ended = robot.wait(episode, EpisodeEvent.ENDED)
        nodes.check()
    assert ended.outcome == EpisodeEvent.ABORTED
    assert ended.reason.startswith('a person had to resume: the arm was held for')


def test_a_fault_that_lasts_is_latched_and_resumed_by_a_person(robot):
    robot.fault = 'silent'
    robot.wait_held('held until resumed')
    assert robot.status.mode == ActuationStatus.HOLD
    assert 'joint_states' in robot.status.latched
    robot.fault = ''
    assert robot.wait_held('held until resumed')
    assert robot.call('resume') == (True, 'resumed')
    recovers(robot)
    assert robot.call('resume') == (False, 'nothing to resume from')


# The camera.

@pytest.mark.parametrize(('fault', 'reason'), [
    ('silent', 'camera front is silent'), ('stuck', 'camera front: its stamps stand still'),
    ('frozen', 'camera front is frozen: its content does not change')])
def test_a_camera_that_is_silent_or_frozen_by_stamp_or_content_holds_the_arm(
        robot, fault, reason):
    robot.camera = fault
    held = robot.wait_held(reason)
    assert held.executed
    robot.until(lambda: any(reason in text for status in robot.statuses
                            for text in status.faults), 'the fault in the status')
    recovers(robot)


# The policy.

def test_a_dead_policy_holds_the_arm_and_a_restarted_one_continues(robot):
    robot.target = None
    held = robot.wait_held('no action in time')
    assert len(held.requested) == 0 and len(held.executed) == 2
    robot.until(robot.rests, 'rest')
    robot.target = NEAR + 0.1
    recovers(robot)


def test_a_slow_policy_loses_its_late_steps_without_a_burst(robot):
    robot.late = 4
    robot.wait_tick(lambda tick: tick.source == POLICY and tick.tick - tick.chunk_first_tick >= 4)
    before, since = robot.status.dropped, len(robot.executed)
    robot.late = AHEAD - 2  # two steps of each chunk are left
    robot.wait_tick(lambda tick: tick.source == POLICY
                    and tick.tick - tick.chunk_first_tick >= AHEAD - 2)
    robot.until(lambda: robot.status.dropped > before, 'dropped steps')
    ticks = [tick for tick in robot.executed[since:] if tick.source == POLICY]
    # Each step was executed at its own tick: once, and in order.
    assert all(np.diff([tick.tick for tick in ticks]) > 0)
    assert all(tick.tick - tick.chunk_first_tick < AHEAD for tick in ticks)


def test_a_chunk_that_is_lost_late_corrupt_or_of_another_episode_does_no_harm(robot):
    episode = robot.executed[-1].episode_id
    tick = robot.wait_policy().tick
    refused = robot.status.chunks_refused
    far = robot.chunk(episode, tick - 2 * AHEAD if tick > 2 * AHEAD else 0, [1.9, 1.9], version=9)
    corrupt = robot.chunk(episode, tick + 3, [1.9, 1.9], version=9)
    corrupt.actions = corrupt.actions[:-1]
    wide = robot.chunk(episode, tick + 3, [1.9, 1.9], version=9)
    wide.size, wide.steps = 3, 8
    other = robot.chunk('another episode', tick + 3, [1.9, 1.9], version=9)
    not_finite = robot.chunk(episode, tick + 6, [float('nan'), 1.9], version=9)
    not_finite.steps, not_finite.actions = 1, not_finite.actions[:2]
    since = len(robot.executed)
    for chunk in (corrupt, wide, other, far):
        robot.chunks.publish(chunk)
    robot.until(lambda: robot.status.chunks_refused >= refused + 3, 'refusals')
    robot.wait_policy()
    assert not any(tick.weights_version == 9 for tick in robot.executed[since:])
    robot.target = None
    robot.wait_held('no action in time')
    not_finite.first_tick = robot.executed[-1].tick + 5
    robot.chunks.publish(not_finite)
    held = robot.wait_held('a requested value is not finite')
    assert np.isfinite(held.executed).all()
    robot.target = NEAR
    recovers(robot)


def test_requests_beyond_the_limits_are_reported_and_not_sent(robot):
    since = len(robot.commands)
    robot.target = np.array([0.9, 0.1])
    smoothed = robot.wait_tick(lambda tick: 'arm smoothed' in tick.reasons)
    assert np.allclose(smoothed.requested, [0.9, 0.1])
    assert not np.allclose(smoothed.executed, smoothed.requested)
    robot.until(lambda: np.abs(robot.joints - [0.9, 0.1]).max() < 1e-3, 'the target')
    robot.check_motion(since)
    robot.target = np.array([-1.5, -1.0])  # the tool would leave its box
    robot.wait_tick(lambda tick: any('workspace tool' in text for text in tick.reasons))
    robot.check_motion(since)


def test_every_gap_between_ticks_is_counted(robot):
    robot.wait_policy()
    robot.until(lambda: robot.status.ticks > 10, 'ticks')
    status = robot.status
    assert sum(status.gap_counts) + status.skipped > 0
    assert status.worst_gap >= status.period * 0.5
    numbers = [tick.tick for tick in robot.executed
               if tick.episode_id == robot.executed[-1].episode_id]
    assert numbers == list(range(len(numbers)))
