# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images by the clock of their camera's computer, of their sensor, or by none."""

from foreign_bags import ARM, BEGIN, recording, ros2_bag, SECOND
import pytest

from inril_ros.data.bags.recording import open_recording
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import blank_message
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import put_stamp, stamp_ns

IMAGE = 'sensor_msgs/msg/CompressedImage'
# The begin of a JPEG file, with its size, and its end: images are not decoded by an import.
IMAGE_FILE = b'\xff\xd8\xff\xc0\0\x0b\x08\0\x08\0\x08\x01\xff\xd9'
BOOT = 12_345 * SECOND
CONTRACT = parse_contract({
    **ARM, 'cameras': {'front': {'topic': 'front', 'type': IMAGE, 'width': 8, 'height': 8}},
    'policy_images': {'cameras': ['front'], 'width': 8, 'height': 8, 'max_age': 0.2}})


def rows_with(stamp, first=0.0, seconds=3.0):
    """Images at 15 Hz that come 20 ms after they were made, with a stamp from that time [ns]."""
    rows = recording(seconds)
    for index in range(round(first * 15), round(seconds * 15)):
        made = BEGIN + round(index / 15 * SECOND)
        message = blank_message(IMAGE)
        put_stamp(message, stamp(made), 'camera')
        message.format = 'jpeg'
        message.data.frombytes(IMAGE_FILE)
        rows.append(('/front', made + 20_000_000, message))
    return sorted(rows, key=lambda row: row[1])


def imported(tmp_path, rows, name='demos', **mapping):
    if not (tmp_path / 'foreign').exists():
        ros2_bag(tmp_path / 'foreign', rows)
    [report] = import_bag([tmp_path / 'foreign'], CONTRACT, tmp_path / name,
                          ImportOptions(mapping=ImportMapping(**mapping)))
    return report


CLOCKS = {  # name: stamp of an image made at a time, and what is measured
    '0.3 s behind': (lambda made: made - 3 * SECOND // 10, '0.320 s behind'),
    '0.3 s ahead': (lambda made: made + 3 * SECOND // 10, '0.280 s ahead of'),
    'atomic time': (lambda made: made + 37 * SECOND, '36.980 s ahead of'),
    'since the boot': (lambda made: made - BEGIN + BOOT, '1699987655.020 s behind')}


@pytest.mark.parametrize('clock', CLOCKS)
def test_images_of_another_clock_are_refused_until_they_are_corrected(tmp_path, clock):
    stamp, measured = CLOCKS[clock]
    report = imported(tmp_path, rows_with(stamp))
    assert report.reason.startswith(
        f'front: its stamps (clock: header) are {measured} the clock of joint_states, measured on '
        '45 messages. Correct its stamps in a mapping (stamps: {front: ')
    assert 'clock: receive' not in report.reason, 'a camera has no such key'
    value = float(report.reason.partition('{front: ')[2].partition('}')[0])
    report = imported(tmp_path, [], 'corrected', stamps={'front': value})
    assert report.kept, report.reason
    assert report.notes == ()
    with open_recording(tmp_path / 'corrected' / report.name) as reader:
        ages = [(time - stamp_ns(reader.deserialize(raw, link))) / 1e9
                for link, time, raw in reader.messages(reader.named('/front'))]
    assert ages == pytest.approx([0.0] * len(ages), abs=0.001)


def test_images_without_a_time_get_that_of_their_arrival_if_the_mapping_says_so(tmp_path):
    report = imported(tmp_path, rows_with(lambda made: 0))
    assert report.reason == (
        'front: all 45 stamps are 0: its sender sets no time. Correct its stamps in a mapping '
        '(stamps: {front: receive}), or for new recordings let its sender set the time')
    assert imported(tmp_path, [], 'corrected', stamps={'front': 'receive'}).kept


def test_an_episode_begins_with_a_camera_that_starts_late(tmp_path):
    report = imported(tmp_path, rows_with(lambda made: made, first=1.6))
    assert report.kept, report.reason
    assert report.notes == ('the first 1.599 s are left out: front was the last to begin',)


def test_a_camera_that_sets_no_time_at_first_is_waited_for(tmp_path):
    report = imported(tmp_path, rows_with(lambda made: made if made > BEGIN + SECOND else 0))
    assert report.kept, report.reason
    assert report.notes[0].startswith('the first 1.0')
    assert report.notes[1].startswith('front: 16 messages could not be used; the first: ')


def test_a_sensor_whose_clock_is_reset_rejects_the_episode(tmp_path):
    """The clock of a camera may start again, while those of the others go on."""
    report = imported(tmp_path, rows_with(
        lambda made: made if made < BEGIN + 2 * SECOND else made - 40 * SECOND, seconds=5.0))
    assert 'front: a second clock within the episode: from 2.0' in report.reason
    assert 'its stamps are 40.020 s behind the clock of the rest' in report.reason
