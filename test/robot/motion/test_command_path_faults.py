# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One fault of a robot at a time: the arm is held in time, with the reason.

Faults in messages (joints missing or in another order, NaN) are tested in test_codecs, those of
alignment in test_frame_alignment; here their effect on the command path.
"""

from joint_arm import action, ARM, CONTRACT, contract, observed, PERIOD, Plant, URDF
import numpy as np
import pytest

from inril_ros.robot.motion.arbitration import Source
from inril_ros.robot.motion.command_path import CommandPath, TickInput
from inril_ros.robot.motion.home_path import HomePath, ResetRefused
from inril_ros.robot.motion.limits import limits_of
from inril_ros.robot.motion.modes import IllegalMode, Mode


class Robot:
    """A running command path with an arm and a policy."""

    def __init__(self, of=CONTRACT, enabled=True, paced=True, dry_run=False):
        self.path = CommandPath(of, URDF, enabled=enabled, paced=paced, dry_run=dry_run)
        self.dry_run = dry_run
        self.plant = Plant(lag=0.0)
        self.now = 100.0

    def begin(self, person_only=False):
        self.path.begin(self.plant.observe(), person_only)
        return self

    def plan(self, arm=(0.4, 0.6), steps=4, first=None, hand=(0.0, 0.0, 0.0)):
        first = self.path.tick_number if first is None else first
        return self.path.accept_chunk(first, np.tile(action(arm, hand), (steps, 1)), 3)

    def tick(self, after=PERIOD, **seen):
        self.now += after
        executed = self.path.tick(TickInput(
            **{'now': self.now, 'values': self.plant.observe(), **seen}))
        self.plant.drive(None if self.dry_run else executed.action)
        return executed

    def drive(self, ticks=10, **seen):
        for _ in range(ticks):
            self.plan()
            executed = self.tick(**seen)
        return executed


def test_an_episode_starts_at_the_measured_pose_and_follows_the_policy():
    robot = Robot().begin()
    first = robot.tick()
    assert (first.mode, first.source, first.reasons) == (
        Mode.HOLD, Source.HOLD, ('no action in time',))
    np.testing.assert_allclose(first.action[ARM], [0.5, 0.5])
    executed = robot.drive(150)
    assert (executed.mode, executed.source, executed.weights_version) == (
        Mode.POLICY, Source.POLICY, 3)
    assert executed.reasons == ()
    np.testing.assert_array_equal(executed.action, action((0.4, 0.6)))


@pytest.mark.parametrize(('seen', 'reason'), [
    ({'values': None}, 'no valid observation'),
    ({'observation_age': 0.2}, 'observation is 0.200 s old'),
    ({'faults': ('joint_states is silent',)}, 'joint_states is silent'),
    ({'faults': ('front is frozen: its content does not change',)}, 'front is frozen'),
    ({'after': 0.5}, 'tick overrun: 0.500 s')])
def test_a_fault_holds_the_arm_in_the_same_tick_and_passes(seen, reason):
    robot = Robot().begin()
    robot.drive(5)
    robot.plan()
    executed = robot.tick(**seen)
    assert (executed.mode, executed.source) == (Mode.HOLD, Source.HOLD)
    assert reason in executed.reasons[0]
    assert robot.path.modes.reason == executed.reasons[0]
    assert robot.drive(3).mode is Mode.POLICY


@pytest.mark.parametrize('seen', [{'values': None}, {'faults': ('front is silent',)}])
def test_a_lasting_fault_needs_a_person_to_resume(seen):
    robot = Robot().begin()
    robot.drive(5)
    for _ in range(round(1.2 / PERIOD)):
        robot.plan()
        robot.tick(**seen)
    executed = robot.drive(5)
    assert executed.mode is Mode.HOLD
    assert executed.reasons[0].startswith('held until resumed: ')
    assert robot.path.resume() == ''
    assert robot.drive(3).mode is Mode.POLICY


def test_a_dead_policy_is_a_fault_that_does_not_latch():
    robot = Robot().begin()
    robot.drive(5)
    for _ in range(3):  # the rest of its last chunk
        assert robot.tick().source is Source.POLICY
    for _ in range(200):
        executed = robot.tick()
        assert executed.source is Source.HOLD
    assert executed.reasons == ('no action in time',)
    assert robot.drive(3).mode is Mode.POLICY


def test_in_lockstep_neither_gaps_nor_time_count():
    robot = Robot(paced=False).begin()
    robot.drive(5)
    assert robot.drive(3, after=50.0).mode is Mode.POLICY


def test_an_action_that_is_not_finite_holds_its_tick_only():
    robot = Robot().begin()
    robot.drive(5)
    robot.path.accept_chunk(robot.path.tick_number, np.full((1, 6), np.nan, np.float32), 4)
    executed = robot.tick()
    assert executed.reasons == ('a requested value is not finite',)
    assert np.isfinite(executed.action).all()
    assert robot.drive(2).mode is Mode.POLICY


@pytest.mark.parametrize('shape', [(2, 5), (2, 7), (0, 0), (6,)])
def test_a_corrupt_chunk_is_refused_with_its_shape(shape):
    robot = Robot().begin()
    assert 'the contract has 6' in robot.path.accept_chunk(0, np.zeros(shape, np.float32), 1)
    assert robot.tick().reasons == ('no action in time',)


def test_a_lost_chunk_is_a_hold_and_an_old_one_changes_nothing():
    robot = Robot().begin()
    robot.plan(steps=3)
    modes = [robot.tick().mode for _ in range(5)]
    assert modes == [Mode.POLICY] * 3 + [Mode.HOLD] * 2
    robot.plan(steps=3, first=0)
    assert robot.tick().mode is Mode.HOLD
    assert robot.path.chunks.dropped == 3


def test_a_chunk_from_an_observation_long_ago_is_not_executed():
    robot = Robot(contract(safety__max_policy_age=0.1)).begin()
    robot.plan(steps=20)
    ages = [robot.tick().reasons for _ in range(9)]
    assert not any('old' in reason for reasons in ages[:6] for reason in reasons)
    assert ages[7] == ('policy step is 0.140 s old',)


@pytest.mark.parametrize('jump', [-1000.0, 1000.0])
def test_a_clock_that_jumps_costs_one_tick_at_most(jump):
    robot = Robot().begin()
    robot.drive(5)
    robot.plan(steps=3)
    first, second = robot.tick(after=jump), robot.tick()
    assert (first.mode is Mode.HOLD) == (jump > 0)
    assert second.mode is Mode.POLICY


def test_a_takeover_discards_the_policy_s_plan():
    robot = Robot().begin()
    robot.plan(steps=50)
    for _ in range(5):
        robot.tick()
    person = action((0.5, 0.5))
    executed = robot.tick(person=person)
    assert (executed.mode, executed.source) == (Mode.TELEOP, Source.TELEOP)
    assert 0.0 < executed.person_share < 1.0
    for _ in range(20):
        executed = robot.tick(person=person)
    assert executed.person_share == 1.0
    released = robot.tick()  # the policy's old plan would have had a step for this tick
    assert (released.mode, released.reasons) == (Mode.HOLD, ('no action in time',))
    back = robot.drive(1)
    assert (back.mode, back.source) == (Mode.POLICY, Source.POLICY)
    assert 0.0 < back.person_share < 1.0


def test_the_arm_brakes_when_a_person_lets_go_in_motion():
    robot = Robot().begin(person_only=True)
    for k in range(20):
        robot.tick(person=action((0.5 - 0.015 * k, 0.5), hand=(0.1, 0, 0)))
    commands = [robot.tick().action for _ in range(60)]
    assert (np.array(commands[-10:]) == commands[-1]).all()
    steps = np.abs(np.diff([command[ARM] for command in commands], axis=0))
    assert steps.max() <= 1.5 * PERIOD + 1e-6


def test_on_a_stale_person_command_the_arm_holds():
    robot = Robot().begin(person_only=True)
    executed = robot.tick(person=action(), person_age=0.2)
    assert executed.reasons == ('teleop command is 0.200 s old',)
    assert executed.source is Source.HOLD


def test_the_estop_brakes_latches_and_ends_the_episode():
    robot = Robot().begin()
    robot.drive(10)
    robot.path.stop('button')
    commands = []
    for _ in range(60):
        robot.plan()
        executed = robot.tick()
        assert (executed.mode, executed.reasons) == (Mode.ESTOP, ('e-stop: button',))
        commands.append(executed.action)
    assert (np.array(commands[-10:]) == commands[-1]).all()
    robot.path.modes.release()
    assert robot.path.resume() == 'motion is not enabled'
    robot.path.modes.enable(True)
    assert robot.path.resume() == ''
    assert robot.tick().mode is Mode.IDLE


def test_after_the_estop_commands_start_at_the_measured_pose():
    """A person has moved it: continuing from the old command would be a jump."""
    robot = Robot().begin()
    robot.drive(10)
    robot.path.stop('button')
    for _ in range(60):
        robot.tick()
    robot.plant.joints += 0.2
    robot.path.modes.release()
    robot.path.modes.enable(True)
    assert robot.path.resume() == ''
    np.testing.assert_allclose(robot.tick().action[ARM], robot.plant.joints, atol=1e-6)


def test_the_arm_cannot_be_resumed_while_it_brakes():
    robot = Robot().begin()
    robot.drive(10)
    robot.path.stop('button')
    robot.path.modes.release()
    robot.path.modes.enable(True)
    assert robot.path.resume() == 'the arm is still braking'


def test_a_process_that_was_killed_in_motion_starts_without_moving():
    robot = Robot().begin()
    robot.drive(10)
    robot.path = CommandPath(CONTRACT, URDF)
    robot.plan()
    executed = robot.tick()
    assert (executed.mode, executed.action) == (Mode.IDLE, None)
    assert executed.reasons == ('motion is not enabled', 'no pose was measured')
    assert robot.path.refusal(robot.plant.observe()) == 'motion is not enabled'


def test_consent_that_is_withdrawn_holds_the_arm():
    robot = Robot().begin()
    robot.drive(10)
    robot.path.modes.enable(False)
    executed = robot.drive(1)
    assert (executed.mode, executed.reasons) == (Mode.HOLD, ('motion is not enabled',))


def test_an_arm_that_does_not_follow_is_held_at_once():
    robot = Robot().begin()
    robot.drive(3)
    robot.plant.joints -= 1.5
    executed = robot.drive(1)
    assert executed.mode is Mode.HOLD
    assert 'does not follow' in executed.reasons[0]
    robot.plant.joints += 1.5
    assert 'held until resumed: arm does not follow' in robot.drive(1).reasons[0]


def test_in_a_dry_run_a_resting_arm_is_no_fault_and_commands_continue():
    """A dry run reports, tick by tick, the commands of an arm that follows at once."""
    dry, real = Robot(dry_run=True).begin(), Robot().begin()
    start = dry.plant.joints.copy()
    for tick in range(200):
        goal = (-1.5, 1.5) if tick < 100 else (0.5, 0.5)
        results = []
        for robot in (dry, real):
            robot.plan(goal)
            results.append(robot.tick())
        np.testing.assert_allclose(results[0].action[ARM], results[1].action[ARM], atol=1e-5)
        assert results[0].mode is Mode.POLICY and not dry.path.modes.latched
        if tick == 99:
            assert np.abs(results[0].action[ARM] - start).max() > 1.0  # far from where it rests
    np.testing.assert_array_equal(dry.plant.joints, start)


def test_a_dry_run_begins_at_the_measured_pose_and_holds_on_nan():
    robot = Robot(dry_run=True).begin()
    robot.drive(100)
    robot.path.end('success')
    robot.plant.joints[:] = (0.2, 0.9)
    robot.begin()
    robot.plan((0.2, 0.9))
    np.testing.assert_allclose(robot.tick().action[ARM], (0.2, 0.9), atol=1e-6)
    robot.plant.joints[0] = np.nan
    assert 'does not follow' in robot.drive(1).reasons[0]


def test_homing_goes_through_the_gate_and_waits_for_observations():
    robot = Robot().begin()
    robot.tick()
    robot.path.end('success')
    robot.tick()
    start = robot.path.gate.resting[ARM].astype(np.float64)
    home = np.array([0.1, 0.9])
    way = HomePath(limits_of(CONTRACT.actions['arm']).scaled(0.3), start, home, PERIOD,
                   robot.path.gate.contains)
    robot.path.drive_home(way, [0, 1])
    before = None
    for tick in range(round(way.duration / PERIOD) + 60):
        executed = robot.tick(**({'values': None} if 20 <= tick < 40 else {}))
        assert executed.source is Source.HOLD
        assert executed.mode is Mode.RESET
        if 35 <= tick < 40:
            assert executed.action[ARM].tolist() == before.tolist()
        before = executed.action[ARM]
    assert robot.path.at_home
    np.testing.assert_allclose(executed.action[ARM], home, atol=1e-5)
    robot.begin()
    assert robot.drive(3).mode is Mode.POLICY


def test_homing_starts_at_the_measured_pose_and_reaches_home_exactly():
    robot = Robot(contract(episode__home={'elbow': 0.9}, episode__home_speed=0.5))
    robot.plant.joints = np.array([0.3, 0.4])  # by hand, without commands
    robot.path.go_home(robot.plant.observe())
    steps = []
    for _ in range(400):
        steps.append(robot.tick().action[ARM].astype(np.float64))
        if robot.path.at_home:
            break
    assert np.abs(steps[0] - [0.3, 0.4]).max() < 0.01
    np.testing.assert_allclose(robot.plant.joints, [0.3, 0.9], atol=1e-5)
    assert robot.tick().reasons == ('reset: driving home',)
    assert robot.tick(faults=('joint_states is silent',)).reasons == (
        'reset: driving home', 'joint_states is silent')
    assert not robot.path.gate.moving
    assert robot.path.refusal(robot.plant.observe()) == ''


@pytest.mark.parametrize(('home', 'joints', 'reason'), [
    ({'shoulder': 1.0, 'elbow': -0.4}, (-1.0, 0.4), 'the way home leaves the workspace'),
    ({'shoulder': 0.0}, (0.0, 2.0 * np.pi), 'beyond the limits of the joints'),
    ({'shoulder': 0.0}, (np.nan, 0.0), 'no pose was measured')])
def test_an_impossible_way_home_moves_nothing(home, joints, reason):
    robot = Robot(contract(episode__home=home, workspace__maximum=[0.6, 0.6, 1.0]))
    with pytest.raises(ResetRefused, match=reason):
        robot.path.go_home(observed(joints))
    assert robot.path.modes.mode is Mode.IDLE


def test_missed_ticks_are_counted_and_steps_keep_their_ticks():
    robot = Robot().begin()
    robot.path.accept_chunk(0, np.stack([action((0.5 - 0.001 * k, 0.5)) for k in range(9)]), 1)
    last = [robot.tick() for _ in range(3)][-1]
    missed = [robot.path.missed_tick() for _ in range(4)]
    for executed in missed:
        assert (executed.source, executed.reasons) == (Source.HOLD, ('the tick never came',))
        np.testing.assert_array_equal(executed.action, last.action)
    executed = robot.tick(after=5 * PERIOD)
    np.testing.assert_allclose(executed.requested[ARM], [0.493, 0.5], atol=1e-6)
    assert robot.path.chunks.dropped == 4


def test_no_reset_and_no_episode_without_consent():
    robot = Robot(enabled=False)
    way = HomePath(limits_of(CONTRACT.actions['arm']), np.zeros(2), np.ones(2), PERIOD)
    with pytest.raises(IllegalMode, match='not enabled'):
        robot.path.drive_home(way, [0, 1])
    assert robot.path.refusal(observed()) == 'motion is not enabled'
    robot.path.modes.enable(True)
    assert robot.path.refusal(None) == 'no pose was measured'
    assert robot.path.refusal(observed()) == ''


def test_in_lockstep_an_episode_can_be_requested_before_any_observation():
    """A simulator publishes its first state once, which a late subscriber doesn't get."""
    robot = Robot(enabled=False, paced=False)
    assert robot.path.refusal(None) == 'motion is not enabled'
    robot.path.modes.enable(True)
    assert robot.path.refusal(None) == ''


def test_each_trajectory_brings_the_arm_to_rest_if_nothing_follows():
    robot = Robot().begin()
    robot.plan((0.2, 0.9), steps=30)
    for _ in range(12):
        executed = robot.tick()
    points = executed.following['arm']
    assert len(points) > 3
    assert np.abs(points[-1] - points[-2]).max() < 0.005
    held = robot.path.tick(TickInput(robot.now + PERIOD, None))
    assert held.following['arm'].shape[1] == 2
