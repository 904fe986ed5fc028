# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole path from a policy to joints in one process: command path, messages, mock arm."""

from types import SimpleNamespace

from mock_lab import FORWARD, mock_arm, TRAJECTORIES, URDF
import numpy as np
import pytest

from inril_ros.robot.messages.commands import encode_command
from inril_ros.robot.motion.arbitration import Source
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.kinematics import KinematicChain
from inril_ros.robot.motion.tick import TickInput

CHUNK, TRANSPORT = 10, 0.003  # [ticks], [s] from the tick to the controller


class Message(SimpleNamespace):
    """Any message: missing fields are made on access."""

    def __getattr__(self, name):
        empty = [] if name in _LISTS else Message() if name in ('header', 'stamp') else None
        if name == 'time_from_start':
            empty = Message(sec=0, nanosec=0)
        if empty is None:
            raise AttributeError(name)
        setattr(self, name, empty)
        return empty


_LISTS = ('joint_names', 'points', 'positions', 'velocities', 'accelerations', 'effort', 'data')


def message_of(kind):
    # Forward controllers' arrays have no header, and encoding looks for one.
    return (lambda: SimpleNamespace(data=[])) if kind.endswith('MultiArray') else Message


def observed(contract, arm, stamp):
    sample = arm.measure(stamp)
    place = {name: index for index, name in enumerate(sample.names)}
    return {name: getattr(sample, entry.quantity)[[place[joint] for joint in entry.joints]]
            for name, entry in contract.observations.items()}


@pytest.mark.parametrize('contract', [TRAJECTORIES, FORWARD], ids=lambda each: each.name)
def test_a_wild_policy_is_followed_within_limits_and_box(contract):
    arm = mock_arm(contract)
    arm.advance(0.0)
    path = CommandPath(contract, URDF, enabled=True)
    path.begin(observed(contract, arm, 1))
    joints = [joint for entry in contract.actions.values() for joint in entry.joints]
    places = [arm.joints.index(joint) for joint in joints]
    chain = KinematicChain(URDF, joints, contract.workspace.links)
    low, high = contract.action_minimum, contract.action_maximum
    fastest = np.concatenate([np.broadcast_to(entry.max_velocity, entry.length)
                              for entry in contract.actions.values()])
    random = np.random.default_rng(0)
    moved, home = 0.0, arm.position[places].copy()
    for tick in range(300):
        now = tick * contract.period
        arm.advance(now)
        if tick % CHUNK == 0:
            goal = contract.denormalise_action(random.uniform(-1.2, 1.2, len(low)))
            path.accept_chunk(tick, np.repeat(goal[None], CHUNK, axis=0), 1)
        executed = path.tick(TickInput(now, observed(contract, arm, 1)))
        assert executed.source is Source.POLICY, executed.reasons
        for topic, message in encode_command(
                contract, executed.action, round(1e9 * (1.0 + now)), message_of,
                executed.following):
            assert arm.command(topic, message, now + TRANSPORT, origin=10 ** 9) == ''
        position = arm.position[places]
        assert (position >= low - 0.01).all() and (position <= high + 0.01).all()
        assert (np.abs(arm.velocity[places]) <= 1.2 * fastest + 0.01).all()
        tool = chain.positions(position[None])[0, 0]
        assert (tool >= np.array(contract.workspace.minimum) - 0.01).all()
        assert (tool <= np.array(contract.workspace.maximum) + 0.01).all()
        moved = max(moved, np.abs(position - home).max())
    assert moved > 0.2 and arm.refused == 0 and not arm.aborted
    assert not path.modes.latched
