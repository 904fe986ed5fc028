# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mock arm keeps an arm's limits, has an arm's latency, and fails on request."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from mock_lab import (
    ARM,
    array,
    Drive,
    FORWARD,
    HOME,
    mock_arm,
    point,
    TRAJECTORIES,
    trajectory,
    URDF,
)
import numpy as np
import pytest

from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.motion.kinematics import KinematicChain, limits_from_urdf
from inril_ros.robot.motion.limits import JointLimits
from inril_ros.sim.mock_arm.arm import MockArmConfig
from inril_ros.sim.mock_arm.dynamics import JointDynamics, STEP
from inril_ros.sim.mock_arm.faults import (
    Fault,
    FaultyStream,
    JUMP_SIZE,
    LATENESS,
    SLOW_SHARE,
)
from inril_ros.sim.mock_arm.picture import ArmPicture

LIMITS = JointLimits(np.array([-1.0, -0.3]), np.array([2.0, 0.4]), np.array([1.5, 3.0]),
                     np.array([8.0, 20.0]), np.full(2, np.inf))
references = st.lists(st.tuples(
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=2),
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=2), st.integers(1, 120)),
    min_size=1, max_size=12)


@given(references, st.floats(1.0, 1.0 / STEP), st.floats(0.0, 0.05))
def test_no_reference_drives_a_joint_beyond_its_limits(given_references, bandwidth, latency):
    joints = JointDynamics(LIMITS, np.array([0.5, 0.0]), bandwidth, latency)
    for position, velocity, steps in given_references:
        for _ in range(steps):
            before = joints.velocity
            joints.step(np.array(position), np.array(velocity))
            assert (joints.position >= LIMITS.minimum - 1e-9).all()
            assert (joints.position <= LIMITS.maximum + 1e-9).all()
            assert (np.abs(joints.velocity) <= LIMITS.velocity + 1e-9).all()
            change = np.abs(joints.velocity - before) / STEP
            assert (change <= LIMITS.acceleration * (1.0 + 1e-9)).all()


@pytest.mark.parametrize('latency', [0.0, 0.01, 0.03])
def test_a_command_takes_effect_after_the_latency(latency):
    drive = Drive(mock_arm(FORWARD, latency=latency), FORWARD)
    drive.wait(0.1)
    assert not drive.send(array(HOME + 0.2))
    sent = drive.now
    drive.wait(0.1)
    moving = drive.times[np.argmax(np.abs(np.diff(drive.positions, axis=0)).max(axis=1) > 0) + 1]
    assert moving - sent == pytest.approx(latency + STEP)


@pytest.mark.parametrize('contract', [TRAJECTORIES, FORWARD], ids=lambda each: each.name)
def test_the_arm_reaches_its_target_and_stays(contract):
    drive, goal = Drive(mock_arm(contract), contract), HOME + np.linspace(-0.3, 0.3, 6)
    forward = contract is FORWARD
    assert not drive.send(array(goal) if forward else trajectory(point(0.5, goal)))
    drive.wait(2.0)
    assert np.allclose(drive.position, goal, atol=1e-6)
    assert np.abs(drive.velocities[-1]).max() < 1e-6


def test_a_ramp_is_followed_with_no_more_than_the_latency():
    drive = Drive(mock_arm(latency=0.02))
    assert not drive.send(trajectory(point(2.0, HOME + 0.6)))
    drive.wait(1.0)
    behind = (HOME + 0.3 - drive.position) / 0.3  # [s] at 0.3 rad/s
    assert np.allclose(behind, 0.02, atol=2 * STEP)


def test_measurements_are_noisy_but_unbiased_and_repeatable():
    samples = [mock_arm(seed=seed, noise=1e-3).measure(1) for seed in (3, 3, 4)]
    assert (samples[0].position == samples[1].position).all()
    assert (samples[0].position != samples[2].position).all()
    arm = mock_arm(noise=1e-3)
    errors = np.array([arm.measure(0).position - arm.position for _ in range(500)])
    assert np.abs(errors.mean(axis=0)).max() < 2e-4
    assert np.allclose(errors.std(axis=0), 1e-3, rtol=0.2)
    assert arm.measure(7).stamp == 7


def test_the_arm_drives_home_and_ignores_commands_on_the_way():
    drive = Drive(mock_arm())
    drive.send(trajectory(point(0.5, HOME + 0.3)))
    drive.wait(1.0)
    assert drive.arm.drive_home(drive.now) == ''
    drive.wait(0.1)
    assert drive.arm.homing
    assert 'on its way home' in drive.send(trajectory(point(0.5, HOME - 0.3)))
    drive.wait(3.0)
    assert not drive.arm.homing
    assert np.allclose(drive.position, HOME, atol=1e-5)
    assert np.abs(np.array(drive.velocities)[-1500:]).max() <= 0.3 * np.pi + 1e-3
    assert not drive.send(trajectory(point(0.5, HOME - 0.3)))
    drive.wait(1.0)
    assert np.allclose(drive.position, HOME - 0.3, atol=1e-5)


def test_a_deaf_arm_still_publishes_its_pose_and_ignores_commands():
    drive = Drive(mock_arm())
    drive.arm.deaf = True
    assert drive.send(trajectory(point(0.2, HOME + 0.3))) == ''
    drive.wait(0.5)
    assert np.allclose(drive.position, HOME)


def test_a_pause_of_the_process_is_caught_up_within_bounds():
    drive = Drive(mock_arm())
    drive.send(trajectory(point(1.0, HOME + 0.3)))
    drive.arm.advance(1000.0)
    assert np.allclose(drive.position, HOME + 0.3, atol=1e-6)
    before = drive.position
    drive.arm.advance(5.0)  # a clock that was set back
    assert (drive.position == before).all()


def test_the_joints_are_published_in_a_different_order():
    names = mock_arm().measure(0).names
    assert names == tuple(sorted(names)) and names[:6] != ARM.joints
    assert set(names) == {*ARM.joints, 'finger_joint'}


def passed(fault, count=60, every=0.008):
    """Return a moving arm's samples after a fault has begun, with and without the fault."""
    stream, arm = FaultyStream(), mock_arm()
    made = [arm.measure(round((1.0 + index * every) * 1e9)) for index in range(count + 1)]
    assert stream.published(made[0]) == [made[0]]
    stream.change(fault)
    return [sample for each in made[1:] for sample in stream.published(each)], made


def test_without_a_fault_samples_are_unchanged():
    came, made = passed(Fault.NONE)
    assert came == made[1:]


def test_silent_passes_no_sample():
    assert passed(Fault.SILENT)[0] == []


def test_frozen_repeats_values_with_new_stamps_and_stuck_whole_samples():
    frozen, made = passed(Fault.FROZEN)
    assert all((sample.position == made[0].position).all() for sample in frozen)
    assert [sample.stamp for sample in frozen] == [sample.stamp for sample in made[1:]]
    stuck, made = passed(Fault.STUCK)
    assert stuck == [made[0]] * 60


def test_slow_passes_few_samples_and_late_delays_all():
    slow, made = passed(Fault.SLOW)
    assert slow == made[SLOW_SHARE::SLOW_SHARE]
    late, made = passed(Fault.LATE)
    delay = round(LATENESS / 0.008)
    assert abs(len(late) - (60 - delay)) <= 1 and late == made[1:len(late) + 1]


def test_out_of_order_swaps_pairs_of_samples():
    came, made = passed(Fault.OUT_OF_ORDER)
    stamps = [sample.stamp for sample in came]
    assert sorted(stamps) == [sample.stamp for sample in made[1:]]
    assert all(later > earlier for later, earlier in zip(stamps[::2], stamps[1::2], strict=True))


@pytest.mark.parametrize(('fault', 'visible'), [
    (Fault.NAN, lambda sample, true: np.isnan(sample.position[0])),
    (Fault.JUMP, lambda sample, true: np.isclose(
        sample.position[0] - true.position[0], JUMP_SIZE))])
def test_a_fault_of_one_joint_shows_in_its_samples_only(fault, visible):
    came, made = passed(fault)
    for sample, true in zip(came, made[1:], strict=True):
        assert visible(sample, true)
        assert (sample.position[1:] == true.position[1:]).all() and sample.names == true.names


def test_a_dropped_joint_is_missing_and_the_others_are_right():
    came, made = passed(Fault.DROPPED_JOINT)
    for sample, true in zip(came, made[1:], strict=True):
        assert sample.names == true.names[1:]
        assert (sample.position == true.position[1:]).all()


@settings(max_examples=30)
@given(st.lists(st.sampled_from(list(Fault)), max_size=8))
def test_after_any_faults_the_stream_is_complete_again(faults):
    stream, arm, stamp = FaultyStream(), mock_arm(), 0
    for fault in [*faults, Fault.NONE]:
        stream.change(fault)
        for _ in range(7):
            stamp += 8_000_000
            sample = arm.measure(stamp)
            came = stream.published(sample)
    assert came == [sample]


def test_images_follow_the_arm_and_never_repeat():
    arm = mock_arm()
    picture = ArmPicture(URDF, arm.joints, 160, 120)
    first, second = picture.take(arm.position), picture.take(arm.position)
    moved = picture.take(arm.position - 0.5)
    assert first.shape == (120, 160, 3) and first.dtype == np.uint8
    assert (first != second).any()
    far = [np.abs(one.astype(int) - other).max() for one, other in (
        (first, second), (first, moved))]
    assert far[0] <= 6 < 50 < far[1]


@pytest.mark.parametrize('contract', [TRAJECTORIES, FORWARD], ids=lambda each: each.name)
def test_the_shipped_contracts_keep_home_in_the_box_and_limits_within_the_urdf(contract):
    joints = [joint for entry in contract.actions.values() for joint in entry.joints]
    home = np.array([contract.episode.home[joint] for joint in joints])
    tool = KinematicChain(URDF, joints, contract.workspace.links).positions(home[None])[0, 0]
    assert (tool > contract.workspace.minimum).all() and (tool < contract.workspace.maximum).all()
    limits = limits_from_urdf(URDF, joints)
    assert (contract.action_minimum >= limits.minimum).all()
    assert (contract.action_maximum <= limits.maximum + 1e-9).all()
    speeds = np.concatenate([np.broadcast_to(entry.max_velocity, entry.length)
                             for entry in contract.actions.values()])
    assert (speeds <= limits.velocity).all()
    hardest = max(max(entry.max_acceleration) for entry in contract.actions.values())
    assert hardest < MockArmConfig().acceleration  # otherwise it could not follow allowed commands


def test_the_tool_position_of_the_urdf_is_that_of_the_data_sheet():
    chain = KinematicChain(URDF, ARM.joints, ['tool0'])
    assert np.allclose(chain.positions(np.zeros((1, 6)))[0, 0], [-0.8172, -0.2329, 0.0628],
                       atol=1e-4)


def test_a_contract_that_cannot_drive_the_arm_is_refused():
    data = {
        'name': 'jogged', 'control_rate': 10,
        'observations': {'joints': {'topic': 'joint_states', 'joints': list(ARM.joints),
                                    'type': 'sensor_msgs/msg/JointState'}},
        'policy_observations': ['joints'], 'episode': {'time_limit': 1},
        'actions': {'jog': {'topic': 'jog', 'type': 'control_msgs/msg/JointJog',
                            'joints': ['elbow_joint'], 'quantity': 'velocity',
                            'minimum': [-1], 'maximum': [1]}}}
    with pytest.raises(ValueError, match=r'actions\.jog: the mock arm takes joint positions'):
        mock_arm(parse_contract(data))
    unlimited = replace(LIMITS, velocity=np.array([np.inf, 1.0]))
    with pytest.raises(ValueError, match='velocity of the joints is not finite'):
        JointDynamics(unlimited, np.zeros(2), 10.0, 0.0)


def test_a_servo_works_while_a_joint_moves_and_presses_as_hard_as_it_can_where_it_is_blocked():
    drive = Drive(mock_arm(noise=0.0))
    joint = drive.arm.joints[0]
    target = HOME + 0.3 * np.array([name == joint for name in ARM.joints])
    drive.send(trajectory(point(1.0, target)))
    drive.wait(2.0)
    assert np.abs(drive.arm.measure(1).effort).max() < 1e-3
    drive.arm.stalled = True
    drive.send(trajectory(point(1.0, HOME)))
    drive.wait(1.0)
    sample = drive.arm.measure(1)
    assert sample.effort[0] == -drive.arm.config.acceleration
    assert np.abs(sample.effort[1:]).max() < 1e-3
    np.testing.assert_allclose(drive.position, target, atol=1e-4)
    drive.arm.stalled = False
    drive.wait(1.0)
    np.testing.assert_allclose(drive.position, HOME, atol=1e-4)
