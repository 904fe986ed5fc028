# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Decoded images are the same for each encoding, as far as the encoding can hold them."""

from types import SimpleNamespace

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from sensor_msgs.msg import Image as RosImage

from inril_ros.data.raw.messages import blank_message
from inril_ros.robot.contract.contract import Camera, ContractError, parse_contract
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.messages.images import (
    decode_image,
    encoded_image,
    rgb_of_compressed,
    rgb_of_image,
)

W, H = 12, 8
CAMERA = Camera(topic='front', width=W, height=H)
DEPTH = Camera(topic='front', width=W, height=H, depth_range=(0.5, 2.5))


def image_message(encoding, pixels, padding=0, big=False, make=blank_message):
    """Return a sensor_msgs/Image of rows (H, bytes)."""
    message = make('sensor_msgs/msg/Image')
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
    message.encoding, message.width, message.height = encoding, W, H
    message.is_bigendian, message.step = int(big), rows.shape[1] + padding
    filler = np.full((len(rows), padding), 77, np.uint8)
    message.data = np.concatenate([rows, filler], axis=1).ravel()
    return message


colours = st.integers(0, 2 ** 32).map(
    lambda seed: np.random.default_rng(seed).integers(0, 256, (H, W, 3), np.uint8))
EXACT = {
    'rgb8': lambda rgb: rgb, 'RGB8': lambda rgb: rgb, 'bgr8': lambda rgb: rgb[..., ::-1],
    '8UC3': lambda rgb: rgb[..., ::-1],
    'rgba8': lambda rgb: np.dstack([rgb, rgb[..., 0]]),
    'bgra8': lambda rgb: np.dstack([rgb[..., ::-1], rgb[..., 0]]),
    '8UC4': lambda rgb: np.dstack([rgb[..., ::-1], rgb[..., 0]])}


@pytest.mark.parametrize('encoding', EXACT)
@settings(max_examples=20)
@given(rgb=colours, padding=st.integers(0, 5))
def test_colours_are_exact(encoding, rgb, padding):
    message = image_message(encoding, EXACT[encoding](rgb), padding)
    np.testing.assert_array_equal(rgb_of_image(message, CAMERA), rgb)


@pytest.mark.parametrize('encoding', ['rgb16', 'bgr16'])
@pytest.mark.parametrize('big', [False, True])
@settings(max_examples=10)
@given(rgb=colours)
def test_the_upper_eight_of_sixteen_bits_are_kept(encoding, big, rgb):
    wide = rgb.astype(np.uint16) * 256 + 200
    wide = (wide[..., ::-1] if encoding == 'bgr16' else wide).astype('>u2' if big else '<u2')
    np.testing.assert_array_equal(
        rgb_of_image(image_message(encoding, wide, big=big), CAMERA), rgb)


@pytest.mark.parametrize(('encoding', 'kind'), [
    ('mono8', 'u1'), ('8UC1', 'u1'), ('mono16', '<u2')])
@settings(max_examples=10)
@given(rgb=colours)
def test_grey_encodings_give_grey(encoding, kind, rgb):
    grey = rgb[..., 0].astype(kind) * (256 if kind == '<u2' else 1)
    expected = np.repeat(rgb[..., :1], 3, axis=2)
    np.testing.assert_array_equal(rgb_of_image(
        image_message(encoding, grey.astype(kind)), CAMERA), expected)


COLOURS = [(200, 40, 10), (10, 40, 200), (40, 200, 10), (90, 90, 90)]


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('wide', [False, True])
@pytest.mark.parametrize('colour', COLOURS)
def test_a_bayer_pattern_decodes_to_its_colour(pattern, wide, colour):
    mosaic = np.zeros((H, W), np.uint8)
    for place, letter in enumerate(pattern):
        mosaic[place // 2::2, place % 2::2] = colour['rgb'.index(letter)]
    if wide:
        mosaic = mosaic.astype('<u2') * 256
    encoding = f'bayer_{pattern}{16 if wide else 8}'
    image = rgb_of_image(image_message(encoding, mosaic), CAMERA)
    np.testing.assert_array_equal(image, np.broadcast_to(colour, (H, W, 3)))


def yuv(colour):
    """Return a colour in BT.601 with limited range, as cameras send it."""
    r, g, b = colour
    return (round(16 + 0.257 * r + 0.504 * g + 0.098 * b),
            round(128 - 0.148 * r - 0.291 * g + 0.439 * b),
            round(128 + 0.439 * r - 0.368 * g - 0.071 * b))


@pytest.mark.parametrize('encoding', ['yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv', 'nv12', 'nv21'])
@pytest.mark.parametrize('colour', COLOURS)
def test_luminance_and_chrominance_decode_to_their_colour(encoding, colour):
    y, u, v = yuv(colour)
    if encoding.startswith('nv'):
        pixels = np.full((H * 3 // 2, W), y, np.uint8)
        pixels[H:, 0::2], pixels[H:, 1::2] = (u, v) if encoding == 'nv12' else (v, u)
    else:
        pair = [u, y, v, y] if encoding in ('yuv422', 'uyvy') else [y, u, y, v]
        pixels = np.tile(np.array(pair, np.uint8), (H, W // 2))
    image = rgb_of_image(image_message(encoding, pixels), CAMERA)
    assert image.shape == (H, W, 3)
    assert np.abs(image.astype(int) - colour).max() <= 4


def test_depth_becomes_grey_by_the_range():
    millimetres = np.full((H, W), 500, np.uint16)
    millimetres[0, :4] = 0, 1500, 2500, 60000
    grey = rgb_of_image(image_message('16UC1', millimetres), DEPTH)
    assert grey[0, :5, 0].tolist() == [0, 128, 255, 255, 1]
    metres = (millimetres / 1000).astype(np.float32)
    metres[1, :2] = np.nan, np.inf
    same = rgb_of_image(image_message('32FC1', metres), DEPTH)
    assert same[1, :2, 0].tolist() == [0, 0]
    np.testing.assert_array_equal(same[2:], grey[2:])


def test_compressed_depth_decodes_to_depth():
    millimetres = np.full((H, W), 1500, np.uint16)
    content = cv2.imencode('.png', millimetres)[1].tobytes()
    for data, kind in ((content, '16UC1; png'),
                       (bytes(12) + content, '16UC1; compressedDepth png')):
        message = SimpleNamespace(format=kind, data=data)
        assert set(rgb_of_compressed(message, DEPTH).ravel()) == {128}
        assert set(decode_image(encoded_image(message, DEPTH), DEPTH).ravel()) == {128}


@pytest.mark.parametrize('extension', ['.png', '.jpg', '.webp', '.bmp', '.tiff'])
def test_any_compression_that_opencv_reads_is_kept_or_recoded_without_loss(extension):
    rgb = np.zeros((H, W, 3), np.uint8)
    rgb[:, :] = (200, 40, 10)
    content = cv2.imencode(extension, rgb[..., ::-1])[1].tobytes()
    message = SimpleNamespace(format=f'rgb8; {extension[1:]} compressed bgr8', data=content)
    kept = encoded_image(message, CAMERA)
    assert (kept == content) == (extension in ('.png', '.jpg'))
    seen = decode_image(kept, CAMERA)
    np.testing.assert_array_equal(seen, rgb_of_compressed(message, CAMERA))
    assert np.abs(seen.astype(int) - (200, 40, 10)).max() <= 4


@settings(max_examples=10)
@given(rgb=colours)
def test_an_image_without_compression_reaches_the_policy_without_loss(rgb):
    camera = Camera(topic='front', width=W, height=H, type='sensor_msgs/msg/Image')
    for make in (blank_message, lambda kind: RosImage()):
        message = image_message('bgr8', rgb[..., ::-1], make=make)
        np.testing.assert_array_equal(decode_image(encoded_image(message, camera), camera), rgb)


def changed(**fields):
    message = image_message('rgb8', np.zeros((H, W, 3), np.uint8))
    for name, value in fields.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(('message', 'camera', 'words'), [
    (changed(encoding='yuv999'), CAMERA, "encoding 'yuv999' is not known; known are .*bgr8"),
    (changed(encoding='32FC1'), CAMERA, 'give the camera a depth_range'),
    (changed(encoding='rgb8'), DEPTH, "the encoding is 'rgb8'; depth is one of"),
    (changed(step=5), CAMERA, 'in rows of 5 are no 12 x 8 image'),
    (changed(data=np.zeros(9, np.uint8)), CAMERA, '9 bytes in rows of 36 are no 12 x 8'),
    (changed(width=0), CAMERA, 'no 0 x 8 image'),
    (changed(height=2 ** 31), CAMERA, 'bytes in rows of 36 are no'),
])
def test_an_invalid_image_is_refused_with_the_reason(message, camera, words):
    with pytest.raises(CodecError, match=f'front: .*{words}'):
        rgb_of_image(message, camera)


@pytest.mark.parametrize('data', [b'', b'nothing', b'\x89PNG\r\n\x1a\nnothing'])
def test_data_that_is_no_image_is_refused(data):
    with pytest.raises(
            CodecError, match=rf"front: {len(data)} bytes that are no image \(format 'png'\)"):
        rgb_of_compressed(SimpleNamespace(format='png', data=data), CAMERA)


@settings(max_examples=150)
@given(st.sampled_from(['rgb8', 'bayer_rggb8', 'nv12', 'mono16', '32FC1', 'yuv422', '16UC1', 'x']),
       st.integers(0, 20), st.integers(0, 20), st.integers(0, 200), st.binary(max_size=600),
       st.booleans(), st.sampled_from([CAMERA, DEPTH]))
def test_any_bytes_are_an_image_or_an_error(encoding, width, height, step, data, big, camera):
    message = SimpleNamespace(encoding=encoding, width=width, height=height, step=step, data=data,
                              is_bigendian=big)
    try:
        image = rgb_of_image(message, camera)
    except CodecError as error:
        assert str(error).startswith('front: ')
        return
    assert (image.dtype, image.shape) == (np.uint8, (height, width, 3))


def test_a_depth_range_has_two_ends():
    with pytest.raises(ContractError, match='depth_range'):
        parse_contract({'cameras': {'front': {
            'topic': 'front', 'width': 4, 'height': 4, 'depth_range': [2.0, 1.0]}}})
