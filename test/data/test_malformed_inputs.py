# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any message, bag or contract is used, or refused with a reason."""

from pathlib import Path
import random

from foreign_bags import check_import_of_damaged, CONTRACT, recording, ros2_bag
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from run_length import LONG

from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.data.raw.messages import blank_message, serialised
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import ContractError, load_contract, Observation
from inril_ros.robot.contract.fields import OBSERVATION_TYPES, TRANSFORMS
from inril_ros.robot.messages.codecs import CodecError, decode

ROBOTS = Path(__file__).parents[2] / 'config' / 'robots'
NUMBER = 800 if LONG else 25  # inputs per kind
FIELDS = {'PoseStamped': 'pose', 'PoseArray': 'poses[1]', 'PointStamped': 'point',
          'TransformStamped': 'transform', 'TwistStamped': 'twist', 'WrenchStamped': 'wrench',
          'Joy': 'axes[2]', 'Bool': 'data', 'Float32': 'data', 'Float64': 'data',
          'Float32MultiArray': 'data[3]', 'Float64MultiArray': 'data[3]'}


def observation(kind):
    short = kind.split('/')[-1]
    if short in ('JointState', 'JointTrajectory'):
        return Observation('topic', kind, joints=('a', 'b'))
    clock = 'receive' if kind.startswith('std_msgs') else 'header'
    return Observation('topic', kind, field=FIELDS[short], clock=clock)


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-2 ** 31, 2 ** 31 - 1)


def strange(value, data, depth=0):
    """A message with anything of the right kind in its fields: wrong lengths, NaN, other names."""
    for name in value.__dataclass_fields__:
        if name == '__msgtype__':
            continue
        part = getattr(value, name)
        if isinstance(part, str):
            setattr(value, name, data.draw(st.sampled_from(['', 'a', 'b', 'base', 'x' * 40])))
        elif isinstance(part, bool):
            setattr(value, name, data.draw(st.booleans()))
        elif isinstance(part, float):
            setattr(value, name, data.draw(st.floats(width=32)))
        elif isinstance(part, int):
            setattr(value, name, data.draw(st.integers(0, 100)))
        elif hasattr(part, 'typecode'):
            whole = part.typecode in 'bBhHiIlLqQ'
            part.extend(data.draw(st.lists(
                st.integers(0, 100) if whole else st.floats(width=32), max_size=5)))
        elif isinstance(part, list) and name in ('name', 'joint_names'):
            part.extend(data.draw(st.lists(st.sampled_from(['a', 'b', 'c', '']), max_size=4)))
        elif isinstance(part, list) and name in ('poses', 'points', 'transforms') and depth < 2:
            kind = {'poses': 'geometry_msgs/msg/Pose', 'transforms':
                    'geometry_msgs/msg/TransformStamped',
                    'points': 'trajectory_msgs/msg/JointTrajectoryPoint'}[name]
            for _ in range(data.draw(st.integers(0, 3))):
                part.append(strange(blank_message(kind), data, depth + 1))
        elif hasattr(part, '__dataclass_fields__'):
            strange(part, data, depth + 1)
    return value


@pytest.mark.parametrize('kind', [kind for kind in OBSERVATION_TYPES if kind != TRANSFORMS])
@settings(max_examples=NUMBER)
@given(st.data())
def test_any_message_of_a_type_is_read_or_refused(kind, data):
    entry = observation(kind)
    try:
        values = decode(strange(blank_message(kind), data), entry)
    except CodecError as error:
        assert str(error)
    else:
        assert values.shape == (entry.length,)
        assert np.isfinite(values).all()


@settings(max_examples=NUMBER)
@given(st.data())
def test_any_stream_gives_frames_or_reasons(data):
    aligner = FrameAligner(CONTRACT)
    for _ in range(data.draw(st.integers(0, 6))):
        topic = data.draw(st.sampled_from(['joint_states', 'hand']))
        kind = {'joint_states': 'sensor_msgs/msg/JointState',
                'hand': 'geometry_msgs/msg/PoseStamped'}[topic]
        try:
            aligner.add(topic, strange(blank_message(kind), data))
        except CodecError as error:
            assert topic in str(error)
    try:
        frame = aligner.frame(data.draw(st.integers(0, 200 * 10 ** 9)))
    except FrameError as error:
        assert str(error)
    else:
        assert all(np.isfinite(value).all() for value in frame.values.values())


@settings(max_examples=NUMBER)
@given(st.data())
def test_any_transforms_are_taken_or_refused(data):
    contract = load_shipped('servo_twist')
    aligner = FrameAligner(contract)
    for _ in range(data.draw(st.integers(0, 4))):
        topic = data.draw(st.sampled_from(['/tf', '/tf_static']))
        try:
            aligner.add(topic, strange(blank_message(TRANSFORMS), data))
        except CodecError as error:
            assert '/tf' in str(error)
    assert aligner.newest_complete() >= 0
    with pytest.raises(FrameError):
        aligner.frame(0)


def load_shipped(name):
    return load_contract(ROBOTS / f'{name}.yaml')


def mutated(text, generator):
    """A text with some bytes or lines changed, removed, doubled or exchanged."""
    lines = text.splitlines(keepends=True)
    for _ in range(generator.randrange(1, 4)):
        index, other = generator.randrange(len(lines)), generator.randrange(len(lines))
        how = generator.randrange(6)
        if how == 0:
            del lines[index]
        elif how == 1:
            lines.insert(other, lines[index])
        elif how == 2:
            lines[index], lines[other] = lines[other], lines[index]
        elif how == 3:
            lines[index] = lines[index].replace(':', generator.choice(['', '::', ': -', ': [']))
        elif how == 4:
            lines[index] = ' ' * generator.randrange(5) + lines[index]
        else:
            place = generator.randrange(len(lines[index]))
            lines[index] = (lines[index][:place] + generator.choice('{}[]:-&*!|>%@"\'#,0x\t')
                            + lines[index][place + 1:])
        if not lines:
            return ''
    return ''.join(lines)


@settings(max_examples=NUMBER)
@given(st.integers(0, 2 ** 32), st.sampled_from([
    'metaworld_sawyer', 'two_arms', 'servo_twist', 'fr3_joint_trajectory']))
def test_any_contract_is_read_or_refused_with_its_file(tmp_path_factory, seed, name):
    text = (ROBOTS / f'{name}.yaml').read_text()
    path = tmp_path_factory.getbasetemp() / 'mutated.yaml'
    path.write_text(mutated(text, random.Random(seed)))
    try:
        contract = load_contract(path)
    except ContractError as error:
        assert str(path) in str(error)
    else:
        assert contract.observation_size > 0


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    path = ros2_bag(tmp_path_factory.mktemp('malformed') / 'foreign', recording(0.6))
    [file] = path.glob('*.mcap')
    return path, file, file.read_bytes(), (path / 'metadata.yaml').read_text()


@settings(max_examples=NUMBER)
@given(st.integers(0, 2 ** 32))
def test_any_bag_adds_whole_episodes_or_none(source, tmp_path_factory, seed):
    path, file, content, metadata = source
    generator = random.Random(seed)
    changed = bytearray(content)
    if generator.random() < 0.3:
        (path / 'metadata.yaml').write_text(mutated(metadata, generator))
    else:
        (path / 'metadata.yaml').write_text(metadata)
        for _ in range(generator.randrange(1, 6)):
            changed[generator.randrange(len(changed))] = generator.randrange(256)
        if generator.random() < 0.3:
            changed = changed[:generator.randrange(len(changed))]
    file.write_bytes(changed)
    # A folder of its own, since hypothesis may come back to a seed.
    check_import_of_damaged(path, tmp_path_factory.mktemp('malformed_demos'))


@settings(max_examples=NUMBER)
@given(st.binary(max_size=300), st.sampled_from(sorted(OBSERVATION_TYPES)))
def test_any_bytes_are_a_message_or_an_error(raw, kind):
    """A damaged bag returns such bytes where a message was."""
    whole = serialised(blank_message(kind))
    for bytes_ in (raw, whole[:len(raw)] + raw, b'\0\1\0\0' + raw):
        try:
            ros_typestore().deserialize_cdr(bytes_, kind)
        except Exception as error:  # the library raises what it likes; importers catch all
            assert not isinstance(error, (MemoryError, RecursionError))
