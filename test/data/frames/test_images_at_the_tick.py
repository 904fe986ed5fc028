# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images are held at the tick as other observations are, whichever rate a camera has."""

from types import SimpleNamespace

import pytest
from small_arm import DESCRIPTION, executed, observations, SECOND, START, TICK

from inril_ros.data.frames.assembly import TransitionAssembler
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import CodecError

# 10 ticks a second: the slow camera shows an image for three ticks, the fast one for one.
CONTRACT = parse_contract({
    **DESCRIPTION,
    'cameras': {'slow': {'topic': 'slow', 'width': 8, 'height': 8, 'rate': 4.0},
                'fast': {'topic': 'fast', 'width': 8, 'height': 8, 'rate': 10.0},
                'other': {'topic': 'other', 'width': 8, 'height': 8}},
    'policy_images': {'cameras': ['slow', 'fast'], 'width': 8, 'height': 8, 'max_age': 0.35}})


# The beginning of a JPEG file, with its size.
HEAD = b'\xff\xd8\xff\xc0\0\x0b\x08\0\x08\0\x08\x01'


def image(stamp, data=b''):
    seconds, nanoseconds = divmod(stamp, SECOND)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=seconds, nanosec=nanoseconds)),
        format='jpeg', data=HEAD + data + b'\xff\xd9')


def shown(stamp):
    """The content of an image of this time."""
    return image(stamp, str(stamp).encode()).data


def at(tick):
    return START + tick * TICK


@pytest.fixture
def aligner():
    return FrameAligner(CONTRACT, images=True)


def add(aligner, tick, *cameras):
    for topic, message in observations(at(tick)):
        aligner.add(topic, message)
    for camera in cameras:
        aligner.add(camera, image(at(tick), str(at(tick)).encode()))


def test_only_the_cameras_of_the_policy_are_listened_to(aligner):
    assert set(aligner.topics) - set(CONTRACT.observation_topics()) == {'slow', 'fast'}
    assert FrameAligner(CONTRACT).topics == CONTRACT.observation_topics()


def test_the_newest_image_at_or_before_the_tick_is_shown(aligner):
    add(aligner, 0, 'slow', 'fast')
    add(aligner, 1, 'fast')
    add(aligner, 2, 'fast')
    assert aligner.frame(at(0)).images == (shown(at(0)), shown(at(0)))
    assert aligner.frame(at(2)).images == (shown(at(0)), shown(at(2)))
    assert aligner.frame(at(2) - 1).images == (shown(at(0)), shown(at(1)))


def test_an_image_that_is_too_old_or_missing_makes_no_frame(aligner):
    add(aligner, 0, 'slow')
    with pytest.raises(FrameError, match='fast: no sample'):
        aligner.frame(at(0))
    for tick in range(5):
        add(aligner, tick, 'fast')
    aligner.frame(at(3))
    with pytest.raises(FrameError, match=r'slow: the image is 0\.400 s old, 0\.35 s allowed'):
        aligner.frame(at(4))


def test_in_lockstep_an_image_speaks_for_the_ticks_until_the_next(aligner):
    add(aligner, 0, 'slow', 'fast')
    assert aligner.newest_complete() == at(0)
    for tick in (1, 2):
        add(aligner, tick)
        assert aligner.newest_complete() == at(tick - 1), 'the fast camera has not spoken'
        aligner.add('fast', image(at(tick)))
        assert aligner.newest_complete() == at(tick)
    add(aligner, 3, 'fast')
    assert aligner.newest_complete() == at(2), 'the slow camera is due'
    aligner.add('slow', image(at(3)))
    assert aligner.newest_complete() == at(3)


def test_a_camera_without_an_image_is_named(aligner):
    add(aligner, 0, 'slow')
    assert (list(aligner.missing()), aligner.newest_complete()) == (['fast'], 0)


@pytest.mark.parametrize('data', [b'', b'GIF89a', b'\x89PNG\r\n', HEAD + bytes(70_000)])
def test_an_image_that_is_not_the_cameras_is_refused(data, aligner):
    message = image(at(0))
    message.data = data
    with pytest.raises(CodecError, match='slow'):
        aligner.add('slow', message)
    assert aligner.rejections.counts == {'slow': 1}
    assert list(aligner.missing()) == [*CONTRACT.observation_topics(), 'slow', 'fast']


def test_a_decision_has_the_images_of_each_of_its_observations(aligner):
    assembler = TransitionAssembler(CONTRACT, aligner, lockstep=False)
    for tick in range(5):
        add(aligner, tick, *(['slow'] if tick % 3 == 0 else []), 'fast')
        if tick < 4:
            assembler.add_executed(executed(tick, chunk_first_tick=tick - tick % 2))
    assembler.end(4, at(4))
    first, second = assembler.ready()
    assert first.images == tuple((shown(at(0)), shown(at(tick))) for tick in (0, 1, 2))
    assert second.images == ((shown(at(0)), shown(at(2))), (shown(at(3)), shown(at(3))),
                             (shown(at(3)), shown(at(4))))
