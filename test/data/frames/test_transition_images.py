# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of a transition survive the message unchanged, and damage is reported."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from small_arm import DESCRIPTION

from inril_ros.data.frames.transition_images import (
    decoded_images,
    pack_images,
    PackedImages,
    unpack_images,
)
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.messages.images import (
    as_it_comes,
    decode_image,
    encode_image,
    encode_jpeg,
    encoded_image,
    policy_view,
    resized,
)

CAMERAS = {'near': {'topic': 'near', 'width': 24, 'height': 16},
           'far': {'topic': 'far', 'width': 32, 'height': 32}}
CONTRACT = parse_contract({**DESCRIPTION, 'cameras': CAMERAS, 'policy_images': {
    'cameras': ['far', 'near'], 'width': 16, 'height': 8}})


def picture(camera, seed):
    """A smooth picture, which JPEG hardly changes."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    entry = CONTRACT.cameras[camera]
    return resized(coarse, entry.height, entry.width)


def encoded(seed):
    return [encode_jpeg(picture('far', seed)), encode_jpeg(picture('near', seed))]


@given(st.integers(1, 3).flatmap(lambda cameras: st.lists(
    st.lists(st.binary(min_size=1, max_size=6), min_size=cameras, max_size=cameras),
    min_size=1, max_size=6)))
def test_packing_loses_nothing_and_keeps_each_image_once(images):
    packed = pack_images(images)
    assert unpack_images(packed, len(images), len(images[0])) == images
    distinct = {image for row in images for image in row}
    assert len(packed.sizes) == len(distinct)
    assert len(packed.data) == sum(map(len, distinct))


@given(data=st.binary(max_size=8), sizes=st.lists(st.integers(0, 9), max_size=4),
       rows=st.lists(st.integers(0, 5), max_size=8), observations=st.integers(0, 4),
       cameras=st.integers(0, 3))
def test_numbers_that_do_not_fit_are_refused_and_never_read_beyond(
        data, sizes, rows, observations, cameras):
    packed = PackedImages(data, sizes, rows)
    try:
        images = unpack_images(packed, observations, cameras)
    except CodecError:
        return
    assert sum(map(len, images)) == observations * cameras
    assert pack_images(images).rows == [
        list(dict.fromkeys(image for row in images for image in row)).index(image)
        for row in images for image in row]


def test_images_come_out_as_the_policy_saw_them():
    rows = [encoded(1), encoded(1), encoded(2)]
    images = decoded_images(pack_images(rows), 3, CONTRACT)
    assert images.shape == (3, *CONTRACT.image_shape) == (3, 2, 8, 16, 3)
    assert images.dtype == np.uint8
    assert not images.flags.writeable, 'whoever keeps them need not copy them'
    for row, image in zip(rows, images):
        np.testing.assert_array_equal(policy_view(row, CONTRACT), image)
    assert not np.array_equal(images[1], images[2])


def test_colours_and_places_survive_the_camera():
    image = picture('far', 3)
    seen = decode_image(encode_jpeg(image), CONTRACT.cameras['far'])
    assert np.abs(seen.astype(int) - image).mean() < 4.0
    assert np.abs(seen[:, :, ::-1].astype(int) - image).mean() > 20.0, 'red and blue differ here'
    assert np.abs(seen[::-1].astype(int) - image).mean() > 20.0, 'so do top and bottom'


def test_no_cameras_give_no_images():
    plain = replace(CONTRACT, policy_images=None)
    assert plain.image_shape is None
    assert decoded_images(pack_images([]), 4, plain) is None
    with pytest.raises(CodecError, match='image_rows has 2 numbers'):
        decoded_images(pack_images([encoded(0)]), 1, plain)


@pytest.mark.parametrize(('row', 'message'), [
    ([encode_jpeg(np.zeros((9, 9, 3), np.uint8)), encoded(0)[1]], '9 x 9, the contract says 32'),
    ([b'\xff\xd8\xff nothing', encoded(0)[1]], 'far: 11 bytes that are no image'),
])
def test_a_damaged_image_is_named(row, message):
    with pytest.raises(CodecError, match=message):
        decoded_images(pack_images([row]), 1, CONTRACT)


@pytest.mark.parametrize(('change', 'message'), [
    ({'cameras': ['front']}, "has 'front', which is none of"),
    ({'cameras': ['far', 'far']}, 'names one twice'),
    ({'cameras': []}, 'at least 1'),
    ({'cameras': ['far'], 'width': 4}, 'greater than or equal to 8'),
    ({'cameras': ['far'], 'max_age': 0.01}, "max_age is 0.01 s, but 'far'"),
])
def test_a_contract_with_impossible_images_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        parse_contract({**DESCRIPTION, 'cameras': CAMERAS, 'policy_images': change})


@pytest.mark.parametrize('kind', ['CompressedImage', 'Image'])
def test_a_lane_sees_what_comes_of_the_message_of_a_simulated_camera(kind):
    camera = replace(CONTRACT.cameras['far'], type=f'sensor_msgs/msg/{kind}')
    image = picture('far', 5)
    sensor_msgs = pytest.importorskip('sensor_msgs.msg')
    message = encode_image(camera, image, 1, lambda name: getattr(sensor_msgs, kind))
    assert as_it_comes(image, camera) == encoded_image(message, camera)
    seen = decode_image(as_it_comes(image, camera), camera)
    assert np.array_equal(seen, image) == (kind == 'Image'), 'PNG loses nothing'
