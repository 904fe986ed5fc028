# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compressed images as image_transport writes them: colours, depth, sizes, and what is refused."""

from struct import pack
from types import SimpleNamespace

import cv2
from hypothesis import example, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.robot.contract.contract import Camera
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.messages.depth import depth_of_compressed
from inril_ros.robot.messages.image_header import encoded_size
from inril_ros.robot.messages.images import decode_image, encoded_image, rgb_of_compressed

W, H = 12, 8
CAMERA = Camera(topic='front', width=W, height=H)
DEPTH = Camera(topic='front', width=W, height=H, depth_range=(0.25, 2.0))
RED = np.zeros((H, W, 3), np.uint8)
RED[:, :] = (200, 40, 10)


def compressed(form, image, extension='.png'):
    return SimpleNamespace(format=form, data=cv2.imencode(extension, image)[1].tobytes())


def seen(message, camera=CAMERA):
    """What the policy sees, and what a person sees, which is the same."""
    image = decode_image(encoded_image(message, camera), camera)
    np.testing.assert_array_equal(image, rgb_of_compressed(message, camera))
    return image


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
@pytest.mark.parametrize('form', ['jpeg', 'png', 'rgb8; jpeg compressed bgr8', '', 'jpg',
                                  'bgr8; jpeg compressed bgr8', 'bgra8; png compressed bgr8',
                                  'bayer_rggb8; jpeg compressed bgr8', 'yuv422; jpeg compressed '])
def test_red_stays_red(form, extension):
    """OpenCV's encoders take blue first, so a file that any viewer shows right holds bgr8."""
    image = seen(compressed(form, RED[..., ::-1], extension))
    assert np.abs(image.astype(int) - (200, 40, 10)).max() <= 4


@pytest.mark.parametrize('source', ['rgb8', 'bgr8'])
def test_red_stays_red_where_it_was_given_to_the_encoder_first(source):
    """The subscriber of image_transport exchanges the colours of `compressed rgb8`."""
    image = seen(compressed(f'{source}; jpeg compressed rgb8', RED, '.jpg'))
    assert np.abs(image.astype(int) - (200, 40, 10)).max() <= 4


def test_a_compressed_bayer_pattern_gets_its_colours():
    """https://github.com/ros-perception/image_transport_plugins/issues/68."""
    mosaic = np.zeros((H, W), np.uint8)
    for place, letter in enumerate('grbg'):
        mosaic[place // 2::2, place % 2::2] = (200, 40, 10)['rgb'.index(letter)]
    image = seen(compressed('bayer_grbg8; png compressed ', mosaic))
    np.testing.assert_array_equal(image, RED)


@pytest.mark.parametrize(('form', 'image'), [
    ('mono8; jpeg compressed ', np.full((H, W), 90, np.uint8)), ('png', np.full((H, W), 90, 'u1')),
    ('mono16; png compressed ', np.full((H, W), 90 * 256 + 7, np.uint16)),
    ('rgb16; png compressed bgr16', np.full((H, W, 3), 90 * 256 + 7, np.uint16)),
    ('bgra8; png compressed ', np.full((H, W, 4), 90, np.uint8))])
def test_grey_and_sixteen_bit_are_seen_as_eight_bit(form, image):
    assert set(seen(compressed(form, image)).ravel()) == {90}


def quantised(metres, largest=10.0, quantisation=100.0):
    """Depth [m] as compressed_depth_image_transport quantises it."""
    a = quantisation * (quantisation + 1.0)
    b = 1.0 - a / largest
    with np.errstate(divide='ignore', invalid='ignore'):
        inverse = np.where(metres < largest, a / metres + b, 0.0).astype(np.uint16)
    return pack('<iff', 0, a, b), inverse


def rvl(image):
    """An image in RVL, written from its description: three bits at a time, the lowest first."""
    groups = []

    def write(number):
        while True:
            groups.append((number & 7) | (8 if number > 7 else 0))
            number >>= 3
            if not number:
                return

    values, place, before = image.ravel().tolist(), 0, 0
    while place < len(values):
        start = place
        while place < len(values) and values[place] == 0:
            place += 1
        write(place - start)
        start = place
        while place < len(values) and values[place] != 0:
            place += 1
        write(place - start)
        for value in values[start:place]:
            difference = value - before
            write(2 * difference if difference >= 0 else -2 * difference - 1)
            before = value
    groups += [0] * (-len(groups) % 8)
    words = b''.join(pack('<I', sum(group << (28 - 4 * index) for index, group in enumerate(
        groups[at:at + 8]))) for at in range(0, len(groups), 8))
    return pack('<II', image.shape[1], image.shape[0]) + words


def png(image):
    return cv2.imencode('.png', image)[1].tobytes()


images = st.builds(
    lambda seed, zeros: np.where(
        np.random.default_rng(seed).random((H, W)) < zeros, 0,
        np.random.default_rng(seed).integers(1, 65536, (H, W))).astype(np.uint16),
    st.integers(0, 2 ** 32), st.sampled_from([0.0, 0.1, 0.9, 1.0]))


@settings(max_examples=40)
@given(images)
@example(np.full((H, W), 65535, np.uint16))
def test_rvl_gives_the_numbers_back(image):
    np.testing.assert_array_equal(
        depth_of_compressed(bytes(12) + rvl(image), '16UC1; compressedDepth rvl'), image)


@pytest.mark.parametrize('form', ['32FC1; compressedDepth', '32FC1; compressedDepth png',
                                  '; compressedDepth png', '32FC1; compressedDepth rvl'])
def test_metres_come_back_from_inverse_depth(form):
    metres = np.full((H, W), 0.5, np.float32)
    metres[0, :4] = 1.5, np.nan, 20.0, 0.25
    header, numbers = quantised(metres)
    content = rvl(numbers) if 'rvl' in form else png(numbers)
    depth = depth_of_compressed(header + content, form)
    known = np.isfinite(metres) & (metres < 10.0)
    np.testing.assert_allclose(depth[known], metres[known], rtol=1e-3)
    assert np.isnan(depth[0, 1:3]).all()
    grey = seen(SimpleNamespace(format=form, data=header + content), DEPTH)
    assert grey[0, :5, 0].tolist() == [182, 0, 0, 1, 37]


@pytest.mark.parametrize('form', ['16UC1; compressedDepth', '16UC1; compressedDepth png',
                                  '; compressedDepth png', '16UC1; compressedDepth rvl'])
def test_millimetres_are_not_quantised(form):
    image = np.full((H, W), 1500, np.uint16)
    image[0, 0] = 0
    content = bytes(12) + (rvl(image) if 'rvl' in form else png(image))
    grey = seen(SimpleNamespace(format=form, data=content), DEPTH)
    assert grey[0, :2, 0].tolist() == [0, 182]


@pytest.mark.parametrize(('form', 'data', 'words'), [
    ('32FC1; compressedDepth png', bytes(12) + png(np.ones((H, W), 'u2')), 'quantisation .*none'),
    ('8UC1; compressedDepth png', bytes(12) + png(np.ones((H, W), 'u2')), '16UC1 or 32FC1'),
    ('; compressedDepth', b'\x01\x02\x03\xff' * 3 + png(np.ones((H, W), 'u2')), '16UC1 or 32FC1'),
    ('16UC1; compressedDepth png', bytes(12), '12 bytes are no depth image'),
    ('16UC1; compressedDepth png', bytes(12) + png(RED), 'no PNG of 16 bits'),
    ('16UC1; compressedDepth rvl', bytes(12) + pack('<II', W, H), 'ends after 0 of 96 pixels'),
    ('16UC1; compressedDepth rvl', bytes(12) + pack('<III', W, H, 0x08888880), 'RVL'),
    ('16UC1; compressedDepth rvl', bytes(12) + pack('<II', 2 ** 20, 2 ** 20) + bytes(9), 'no RVL'),
    ('jpeg', png(RED), 'depth_range is given, but the image has uint8'),
])
def test_depth_that_is_none_is_refused_with_the_reason(form, data, words):
    with pytest.raises(CodecError, match=f'front: .*{words}'):
        encoded_image(SimpleNamespace(format=form, data=data), DEPTH)


@pytest.mark.parametrize('form', ['32FC1; compressedDepth png', '16UC1; compressedDepth', 'png',
                                  '16UC1; png compressed ', '; compressedDepth png'])
def test_depth_without_a_range_is_refused(form):
    header = bytes(12) if 'Depth' in form else b''
    data = header + png(np.full((H, W), 1500, np.uint16))
    for read in (encoded_image, rgb_of_compressed):
        with pytest.raises(CodecError, match='front: .* is depth: give the camera a depth_range'):
            read(SimpleNamespace(format=form, data=data), CAMERA)


@settings(max_examples=40)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from(['.jpg', '.png']),
       st.sampled_from([1, 3]), st.booleans(), st.binary(max_size=40))
def test_the_size_is_in_the_header(width, height, extension, channels, progressive, comment):
    settings_ = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)] if extension == '.jpg' else []
    image = np.zeros((height, width, channels), np.uint8)
    data = cv2.imencode(extension, image, settings_)[1].tobytes()
    assert encoded_size(data) == (width, height)
    if extension == '.jpg':  # with a comment and fill bytes before its frame
        marked = b'\xff\xfe' + pack('>H', len(comment) + 2) + comment + b'\xff'
        assert encoded_size(data[:2] + marked + data[2:]) == (width, height)


@given(st.binary(max_size=60), st.sampled_from([b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', b'']))
def test_any_bytes_have_a_size_or_none(data, begin):
    encoded_size(begin + data)


@pytest.mark.parametrize(('form', 'extension'), [
    ('jpeg', '.jpg'), ('png', '.png'), ('webp', '.webp'), ('rgb8; jpeg compressed rgb8', '.jpg')])
def test_an_image_of_another_size_is_refused_with_both(form, extension):
    with pytest.raises(CodecError, match='front: an image of 6 x 4, the contract says 12 x 8: set '
                                         'width and height of the camera'):
        encoded_image(compressed(form, RED[:4, :6], extension), CAMERA)


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
def test_an_image_that_is_cut_off_is_refused_whatever_a_decoder_makes_of_it(extension):
    picture = np.random.default_rng(0).integers(0, 255, (H, W, 3), np.uint8)
    whole = compressed('', picture, extension).data
    preview = cv2.imencode('.jpg', picture[::2, ::2])[1].tobytes()
    tagged = whole[:2] + b'\xff\xe1' + pack('>H', len(preview) + 2) + preview + whole[2:]
    for data in (whole, whole + bytes(100), *[tagged] * (extension == '.jpg')):
        encoded_image(SimpleNamespace(format='', data=data), CAMERA)
    start = whole.find(b'\xff\xda')  # behind the header, which has the size
    for data in (whole[:-20], whole[:start], *[tagged[:-20]] * (extension == '.jpg')):
        with pytest.raises(CodecError, match=r'front: an image of \d+ bytes is cut off'):
            encoded_image(SimpleNamespace(format='', data=data), CAMERA)
