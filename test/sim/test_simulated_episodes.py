# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An episode in one process equals the same episode through ROS messages, bit for bit."""

from dataclasses import fields, is_dataclass, replace
from functools import partial

import numpy as np
import pytest
from rosbags.interfaces import Nodetype
from simulated_episode import run_episode

from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.messages.codecs import encode_observations
from inril_ros.robot.messages.commands import decode_command, encode_command
from inril_ros.sim.mapping import built_in_mapping, load_mapping
from inril_ros.sim.scripted import ScriptedOperator

pytestmark = pytest.mark.filterwarnings('ignore:Constant')
_STORE = ros_typestore()


def blank(name):
    """Return a message with ROS defaults: zeros, empty strings, empty lists."""
    kinds = _STORE.get_msgdef(name).fields
    return _STORE.types[name](**{field: _blank(kind) for field, kind in kinds})


def _blank(kind):
    node, detail = kind
    if node == Nodetype.NAME:
        return blank(detail)
    if node == Nodetype.BASE:
        return '' if detail[0] == 'string' else 0.0 if detail[0].startswith('float') else 0
    return []


def types(name):
    return partial(blank, name)


def through_the_wire(message):
    """Serialise and deserialise as a bag or the middleware does."""
    name = message.__msgtype__
    return _STORE.deserialize_cdr(_STORE.serialize_cdr(_with_arrays(message), name), name)


def _with_arrays(message):
    """Turn lists of numbers into arrays for the serialiser."""
    for field in fields(message):
        value = getattr(message, field.name)
        if is_dataclass(value):
            _with_arrays(value)
        elif isinstance(value, list) and (not value or isinstance(value[0], float)):
            if 'float' in str(dict(_STORE.get_msgdef(message.__msgtype__).fields)[field.name]):
                setattr(message, field.name, np.array(value, dtype=np.float64))
        elif isinstance(value, list) and is_dataclass(value[0]):
            [_with_arrays(item) for item in value]
    return message


@pytest.mark.parametrize('task', sorted(load_mapping(built_in_mapping('metaworld')).tasks))
def test_an_episode_through_messages_is_the_same_bit_for_bit(task, arm, contract):
    robot = arm(task)
    operator = ScriptedOperator(task, contract)
    operator.begin(2)
    run = run_episode(robot, contract, lambda _, values: operator.command(values), 2, 40)

    aligner, builder = FrameAligner(contract), ObservationBuilder(contract)
    operator.begin(2)
    state = robot.reset(2)
    for tick, (expected, action) in enumerate(zip(run.observations[:-1], run.actions)):
        stamp = 1 + tick * contract.period_ns
        for topic, message in encode_observations(contract, state.values, stamp, types):
            assert aligner.add(topic, through_the_wire(message)) == stamp
        frame = aligner.frame(stamp)
        for name, value in state.values.items():
            np.testing.assert_array_equal(frame.values[name], value)
        np.testing.assert_array_equal(builder.build(frame.values), expected)
        # The operator sees only what has come over the wire.
        command = operator.command(frame.values).astype(np.float32)
        np.testing.assert_array_equal(command, action)
        sent = {topic: through_the_wire(message)
                for topic, message in encode_command(contract, command, stamp, types)}
        received = np.concatenate([
            decode_command(sent[entry.topic], entry) for entry in contract.actions.values()])
        np.testing.assert_array_equal(received, action)
        state = robot.step(received)


def test_an_episode_has_one_reward_at_its_first_success(arm, contract):
    operator = ScriptedOperator('reach', contract, noise=0.0)
    operator.begin(0)
    run = run_episode(arm('reach'), contract, lambda _, values: operator.command(values), 0, 200)
    assert run.outcome == 'success'
    assert len(run.actions) < 200
    assert np.flatnonzero(run.rewards).tolist() == [len(run.actions) - 1]


def test_derived_observations_look_back_one_tick(arm, contract):
    run = run_episode(arm('reach'), contract, lambda *_: np.array([0.5, 0, 0, 0]), 0, 5)
    start = sum(contract.length(name) for name in
                contract.policy_observations[:contract.policy_observations.index('hand_change')])
    change = run.observations[:, start:start + 3]
    np.testing.assert_array_equal(change[0], 0.0)
    scale = contract.derived['hand_change'].scale
    np.testing.assert_array_equal(
        change[1:], (scale * np.diff(run.values['hand_position'], axis=0)).astype(np.float32))


def test_the_safety_gate_keeps_a_simulated_arm_in_its_box(arm, contract):
    box = replace(contract.workspace, maximum=(0.525, 1.025, 0.25))
    fenced = replace(contract, workspace=box)
    run = run_episode(arm('reach'), fenced, lambda *_: np.array([0, 0, 2.0, 0]), 0, 40)
    assert run.actions[0].tolist() == pytest.approx([0, 0, 0.8, 0])
    assert run.actions[-1].tolist() == [0, 0, 0, 0]
    # The hand follows its set-point with a delay, so it comes to rest a little outside; without
    # the gate it would have gone up by 0.4 m.
    assert run.values['hand_position'][-1, 2] < 0.32
