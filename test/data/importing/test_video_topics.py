# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Camera topics that are video, or of foxglove_msgs, are imported as the images that they show."""

from fractions import Fraction

from foreign_bags import ARM, BEGIN, recording, ros2_bag, SECOND
import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from inril_ros.data.audit.bag_check import check_bag
from inril_ros.data.audit.bag_values import read_bag_values
from inril_ros.data.audit.survey import survey_bag
from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_cuts import CutRule
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.lerobot.encoder_priority import unchanged_priority
from inril_ros.data.raw.messages import blank_message
from inril_ros.data.video import decoder as decoder_module
from inril_ros.data.video.decoder import decoder_of, is_key_frame, VideoDecoder
from inril_ros.robot.contract.contract import Camera, ContractError, parse_contract
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.messages.images import encode_png, rgb_of_compressed

av = pytest.importorskip('av')

W, H, RATE = 64, 48, 20
COMPRESSED, PACKET = ('sensor_msgs/msg/CompressedImage',
                      'ffmpeg_image_transport_msgs/msg/FFMPEGPacket')
VIDEO, RAW = 'foxglove_msgs/msg/CompressedVideo', 'sensor_msgs/msg/Image'
LIVE = {'tune': 'zerolatency', 'x264-params': 'scenecut=0'}


def contract_of(width=W, kind=COMPRESSED):
    return parse_contract({
        **ARM, 'cameras': {'front': {'topic': 'front', 'width': width, 'height': H, 'type': kind}},
        'policy_images': {'cameras': ['front'], 'width': W, 'height': H}})


CONTRACT = contract_of()


def brightness(index):
    """How bright the image of this number is: it tells the image, whatever the codec loses."""
    return 30 + 5 * index % 200


def encoded(count, encoder='libx264', gap=8, options=None):
    """Packets (number of the image, whether it is a key frame, data) as the encoder gives them."""
    codec = av.CodecContext.create(encoder, 'w')
    codec.width, codec.height, codec.pix_fmt, codec.gop_size = W, H, 'yuv420p', gap
    codec.time_base, codec.framerate = Fraction(1, RATE), Fraction(RATE)
    codec.options = LIVE if options is None else options
    packets = []
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(
            np.full((H, W, 3), brightness(index), np.uint8), format='rgb24')
        frame.pts = index
        with unchanged_priority():
            packets += codec.encode(frame)
    return [(packet.pts, packet.is_keyframe, bytes(packet)) for packet in (
        *packets, *codec.encode(None))]


def image_message(kind, form, number, is_key, data):
    message = blank_message(kind)
    stamp = divmod(BEGIN + number * SECOND // RATE, SECOND)
    header = getattr(message, 'header', None)
    time = message.timestamp if header is None else header.stamp
    time.sec, time.nanosec = stamp
    setattr(message, 'encoding' if hasattr(message, 'encoding') else 'format', form)
    if kind == PACKET:
        message.pts, message.flags, message.width, message.height = number, int(is_key), W, H
    message.data.frombytes(data)
    return message


def bag_of(path, packets, kind=COMPRESSED, form='h264', seconds=2.0):
    rows = recording(seconds) + [
        ('/front', BEGIN + place * SECOND // RATE + 2_000_000,
         image_message(kind, form, *packet)) for place, packet in packets]
    return ros2_bag(path, sorted(rows, key=lambda row: row[1]))


def numbered(packets):
    return list(enumerate(packets))


def imported(bag, folder, contract=CONTRACT, **options):
    done = import_bag([bag], contract, folder, ImportOptions(**options))
    return done, [read_episode(folder / each.name, contract) for each in done if each.kept]


def shown(episode):
    """The numbers of the images of the ticks."""
    seen = [float(np.median(image)) for image in episode.images[:, 0]]
    return [round((value - 30) / 5) for value in seen]


FORMS = [(COMPRESSED, 'h264', 'libx264', None), (PACKET, 'libx264', 'libx264', None),
         (RAW, 'h264', 'libx264', None),  # of some Jetson cameras
         (PACKET, 'h264;yuv420p;bgr8;bgr8', 'libx264', None), (VIDEO, 'h264', 'libx264', None),
         (VIDEO, 'h265', 'libx265', {'tune': 'zerolatency', 'x265-params': 'log-level=none'}),
         (PACKET, 'hevc_nvenc', 'libx265',
          {'tune': 'zerolatency', 'x265-params': 'log-level=none'}),
         (VIDEO, 'vp9', 'libvpx-vp9', {'lag-in-frames': '0', 'deadline': 'realtime'})]


@pytest.mark.parametrize(('kind', 'form', 'encoder', 'options'), FORMS)
def test_a_video_becomes_the_images_that_it_shows(tmp_path, kind, form, encoder, options):
    packets = encoded(40, encoder, options=options)
    bag = bag_of(tmp_path / 'bag', numbered(packets), kind, form)
    contract = contract_of(kind=RAW if kind == RAW else COMPRESSED)
    [report], [episode] = imported(bag, tmp_path / 'demos', contract)
    assert not report.unreadable and not report.notes
    # The tick is at an image's stamp, so it shows this image; ticks come at half the rate.
    assert shown(episode) == [2 * tick for tick in range(len(episode.images))]
    kept = aligned_episode(tmp_path / 'demos' / report.name, contract)
    np.testing.assert_array_equal(kept.images, episode.images)
    with AnyReader([tmp_path / 'demos' / report.name]) as reader:
        [front] = [each for each in reader.connections if each.topic == '/front']
        assert (front.msgtype, front.msgcount) == (COMPRESSED, 40)


def test_images_that_come_in_another_order_get_their_own_stamps(tmp_path):
    packets = encoded(40, options={'bf': '2', 'b-adapt': '0', 'x264-params': 'scenecut=0'})
    assert [number for number, _, _ in packets] != list(range(40))
    bag = bag_of(tmp_path / 'bag', numbered(packets), PACKET, 'h264')
    [report], [episode] = imported(bag, tmp_path / 'demos')
    assert not report.unreadable
    assert shown(episode) == [2 * tick for tick in range(len(episode.images))]


@pytest.mark.parametrize('gap', [8, 1000])
def test_an_episode_may_begin_between_key_frames(tmp_path, gap):
    """With one key frame only: https://github.com/ros-misc-utilities/ffmpeg_image_transport/issues/54.
    """
    bag = bag_of(tmp_path / 'bag', numbered(encoded(40, gap=gap)))
    cuts = tmp_path / 'cuts.csv'
    cuts.write_text('start,end\n0.0,0.55\n0.65,1.25\n1.3,1.85\n')
    _, episodes = imported(bag, tmp_path / 'demos', cut=CutRule('csv', str(cuts)))
    assert len(episodes) == 3
    for episode in episodes:
        numbers = shown(episode)
        assert np.diff(numbers).tolist() == [2] * (len(numbers) - 1)
    assert 12 <= shown(episodes[1])[0] <= 14


def test_a_video_without_a_key_frame_is_refused(tmp_path):
    """The second recording of issue 54: its only key frame was before it."""
    bag = bag_of(tmp_path / 'bag', numbered(encoded(41, gap=1000)[1:]))
    [report], _ = imported(bag, tmp_path / 'demos')
    assert not report.kept
    assert any(note.startswith('front: 40 messages could not be used; the first: no key frame')
               for note in report.notes)


def test_images_before_the_first_key_frame_are_left_out(tmp_path):
    bag = bag_of(tmp_path / 'bag', numbered(encoded(40))[5:])
    [report], [episode] = imported(bag, tmp_path / 'demos')
    assert report.unreadable == 3
    assert shown(episode) == [8 + 2 * tick for tick in range(len(episode.images))]


def test_images_after_a_lost_packet_are_left_out_until_the_next_key_frame(tmp_path):
    packets = numbered(encoded(40))
    del packets[18]
    bag = bag_of(tmp_path / 'bag', packets, PACKET, 'h264')
    [report], _ = imported(bag, tmp_path / 'demos')
    assert report.unreadable == 5  # 19 to 23
    assert any('a packet of the video before it is missing' in note for note in report.notes)


def test_a_video_that_pauses_is_said(tmp_path):
    """Without a counter nobody knows whether packets were lost."""
    packets = numbered(encoded(40))
    del packets[18:20]
    [report], _ = imported(bag_of(tmp_path / 'bag', packets), tmp_path / 'demos')
    assert any('front: its video pauses 1 times' in note for note in report.notes)


def test_a_video_of_another_size_is_refused_with_both(tmp_path):
    bag = bag_of(tmp_path / 'bag', numbered(encoded(40)))
    [report], _ = imported(bag, tmp_path / 'demos', contract_of(width=2 * W))
    assert any('an image of 64 x 48, the contract says 128 x 48' in note
               for note in report.notes)


@pytest.mark.parametrize('raw', [False, True])
def test_images_of_foxglove_are_images(tmp_path, raw):
    rows = recording(2.0)
    for index in range(40):
        rgb = np.full((H, W, 3), brightness(index), np.uint8)
        if raw:
            message = blank_message('foxglove_msgs/msg/RawImage')
            message.width, message.height, message.encoding, message.step = W, H, 'rgb8', 3 * W
            message.timestamp.sec, message.timestamp.nanosec = divmod(
                BEGIN + index * SECOND // RATE, SECOND)
            message.data.frombytes(rgb.tobytes())
        else:
            message = image_message('foxglove_msgs/msg/CompressedImage', 'png', index, True,
                                    encode_png(rgb))
        rows.append(('/front', BEGIN + index * SECOND // RATE + 2_000_000, message))
    bag = ros2_bag(tmp_path / 'bag', sorted(rows, key=lambda row: row[1]))
    _, [episode] = imported(bag, tmp_path / 'demos')
    assert shown(episode) == [2 * tick for tick in range(len(episode.images))]


def test_an_unknown_video_format_is_named(tmp_path):
    bag = bag_of(tmp_path / 'bag', numbered(encoded(10)), VIDEO, 'theora')
    with pytest.raises(BagError, match="/front: video of the format 'theora' is not known"):
        imported(bag, tmp_path / 'demos')


def test_without_pyav_the_reason_is_named(tmp_path, monkeypatch):
    def missing():
        from inril_ros.data.lerobot.video import VideoError
        raise VideoError('pip install av')

    bag = bag_of(tmp_path / 'bag', numbered(encoded(10)))
    monkeypatch.setattr(decoder_module, 'require_av', missing)
    with pytest.raises(BagError, match=r'/front: its images are video \(h264\): pip install av'):
        imported(bag, tmp_path / 'demos')


def test_a_contract_names_what_a_live_camera_sends():
    for kind in (PACKET, VIDEO):
        with pytest.raises(ContractError, match='write sensor_msgs/msg/CompressedImage'):
            parse_contract({**ARM, 'cameras': {'front': {
                'topic': 'front', 'width': W, 'height': H, 'type': kind}}})
    message = blank_message(COMPRESSED)
    message.format = 'h264'
    message.data.frombytes(encoded(1)[0][2])
    with pytest.raises(CodecError, match="front: format 'h264' is video, which only an import"):
        rgb_of_compressed(message, Camera(topic='front', width=W, height=H))


@pytest.mark.parametrize(('form', 'decoder'), [
    ('h264', 'h264'), ('H264', 'h264'), ('libx264', 'h264'), ('h264_nvmpi', 'h264'),
    ('h265', 'hevc'), ('hevc_vaapi', 'hevc'), ('av1', 'libdav1d'), ('jpeg', None), ('', None),
    ('h264;yuv420p;bgr8;bgr8', 'h264'), ('rgb8; jpeg compressed bgr8', None), ('png', None),
    ('16UC1; compressedDepth rvl', None), ('bgr8', None)])
def test_a_format_names_its_decoder(form, decoder):
    assert decoder_of(form) == decoder


@pytest.mark.parametrize(('encoder', 'decoder', 'options'), [
    ('libx264', 'h264', LIVE), ('libx264', 'h264', {'x264-params': 'scenecut=0'}),
    ('libx265', 'hevc', {'x265-params': 'log-level=none'}),
    ('libsvtav1', 'libdav1d', {'svtav1-params': 'lookahead=0'}),
    ('libvpx-vp9', 'vp9', {'lag-in-frames': '0', 'deadline': 'realtime'}),
    ('libvpx', 'vp8', {'lag-in-frames': '0', 'deadline': 'realtime'})])
def test_decoding_can_begin_at_what_is_called_a_key_frame(encoder, decoder, options):
    if encoder not in av.codecs_available or decoder not in av.codecs_available:
        pytest.skip(f'this PyAV has no {encoder}')
    packets = encoded(24, encoder, options=options)
    keys = [place for place, (_, _, data) in enumerate(packets) if is_key_frame(decoder, data)]
    assert keys[0] == 0
    for key in keys:
        begun = VideoDecoder(decoder)
        images = [image for place, (_, _, data) in enumerate(packets[key:])
                  for image in begun.add(place, data)] + begun.end()
        assert images[0][0] == 0
        assert abs(float(np.median(images[0][1])) - brightness(packets[key][0])) <= 4


@pytest.mark.parametrize(('kind', 'form'), [
    (PACKET, 'h264'), (COMPRESSED, 'h264'), (VIDEO, 'h264'), (RAW, 'h264')])
def test_a_draft_and_a_check_see_the_images_of_a_video(tmp_path, kind, form):
    bag = bag_of(tmp_path / 'bag', numbered(encoded(40)), kind, form)
    [front] = [seen for seen in survey_bag(bag) if seen.name == '/front']
    assert (front.type, front.size) == (kind, (W, H))
    contract = contract_of(kind=RAW if kind == RAW else COMPRESSED)
    found = read_bag_values(bag, contract)
    assert found.images == {'front'}
    assert not [each for each in check_bag(contract, bag) if 'front' in each.what
                and each.verdict == 'wrong']
