# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A slow, full or failing disk, or a killed recorder, loses no more than it must."""

import os
from pathlib import Path
import signal
import subprocess
import sys
from threading import Event
import time

import pytest
from rosbags.highlevel import AnyReader
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from small_arm import CONTRACT, point, recorded, serialised, START, write
import yaml

from inril_ros.data.bags.bags import BagError, EpisodeBag, find_bags
from inril_ros.data.bags.queued_bag import QueuedBag
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.bags.repair import repair_bag
from inril_ros.data.bags.storage import files_of, STORAGES
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations

ROW = ('hand', 'geometry_msgs/msg/PointStamped')


class SlowBag(EpisodeBag):
    """A bag on a disk that answers only when the test lets it."""

    def __init__(self, folder, name):
        super().__init__(folder, name)
        self.go, self.begun = Event(), Event()

    def write(self, *row):
        self.begun.set()
        self.go.wait()
        super().write(*row)


class FullBag(EpisodeBag):
    """A bag on a disk that is full after some messages."""

    def write(self, *row):
        if self.messages == 5:
            raise OSError(28, 'No space left on device')
        super().write(*row)


def message(index):
    return (*ROW, START + index, serialised(point(START + index, float(index))))


@pytest.mark.parametrize('storage', STORAGES)
def test_a_queued_bag_is_the_bag(tmp_path, storage):
    bag = QueuedBag(EpisodeBag(tmp_path, '0000_e1', storage), lossless=False)
    write(bag, recorded(6))
    assert bag.close({'outcome': 'success'}, keep=True) == tmp_path / '0000_e1'
    assert len(read_episode(tmp_path / '0000_e1', CONTRACT).actions) == 6
    assert (bag.dropped, bag.failure) == (0, '')


def test_messages_too_fast_for_the_disk_are_dropped_and_counted(tmp_path):
    slow = SlowBag(tmp_path, '0000_e1')
    size = len(message(0)[3])
    bag = QueuedBag(slow, lossless=False, capacity=3 * size)
    bag.write(*message(0))
    slow.begun.wait()
    for index in range(1, 20):
        bag.write(*message(index))  # returns at once, the disk being stuck
    assert bag.dropped == 16
    slow.go.set()
    path = bag.close({'outcome': 'success'}, keep=True)
    [listed] = list_demonstrations(tmp_path)
    assert listed.messages == 4
    assert listed.note == '16 messages were lost: the disk was too slow'
    data = yaml.safe_load((path / 'metadata.yaml').read_text())
    assert data['rosbag2_bagfile_information']['custom_data']['dropped'] == '16'


def test_in_lockstep_nothing_is_dropped(tmp_path):
    slow = SlowBag(tmp_path, '0000_e1')
    bag = QueuedBag(slow, lossless=True, capacity=2 * len(message(0)[3]))
    slow.go.set()
    for index in range(200):
        bag.write(*message(index))
    bag.close({}, keep=True)
    assert bag.dropped == 0
    assert list_demonstrations(tmp_path)[0].messages == 200


def test_a_full_disk_ends_the_episode_and_leaves_the_others(tmp_path):
    whole = QueuedBag(EpisodeBag(tmp_path, '0000_e1'), lossless=False)
    write(whole, recorded(3))
    whole.close({}, keep=True)
    bag = QueuedBag(FullBag(tmp_path, '0001_e2'), lossless=True)
    for index in range(50):
        bag.write(*message(index))  # never blocks, though nobody takes them
    while not bag.failure:
        time.sleep(0.001)
    assert 'No space left on device' in bag.failure
    with pytest.raises(BagError, match='0001_e2: could not be written: No space left'):
        bag.close({}, keep=True)
    assert [path.name for path in find_bags(tmp_path)] == ['0000_e1']
    assert {item.state for item in list_demonstrations(tmp_path)} == {'kept', 'unfinished'}


RECORDER = """
import sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from small_arm import *
from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.data.bags.queued_bag import QueuedBag
folder = Path(sys.argv[1])
storage = sys.argv[2]
whole = QueuedBag(EpisodeBag(folder, '0000_e1', storage), lossless=True)
write(whole, recorded(3))
whole.close({}, keep=True)
bag = QueuedBag(EpisodeBag(folder, '0001_e2', storage), lossless=True, capacity=1000)
index = 0
while True:
    message = joint_state(START + index, float(index), names=['j' * 1000])
    bag.write('joint_states', message.__msgtype__, START + index, serialised(message))
    index += 1
"""


@pytest.mark.parametrize('storage', STORAGES)
def test_a_killed_recorder_leaves_whole_episodes_and_one_that_can_be_recovered(tmp_path, storage):
    tests = Path(__file__).parent
    process = subprocess.Popen([sys.executable, '-c', RECORDER, str(tmp_path), storage, str(tests),
                                str(tests.parents[1])])
    partial = tmp_path / '0001_e2.tmp'
    try:
        while not any(file.stat().st_size > 3_000_000 for file in files_of(partial)):
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert len(read_episode(tmp_path / '0000_e1', CONTRACT).actions) == 3
    assert [item.state for item in list_demonstrations(tmp_path)] == ['kept', 'unfinished']
    repaired = repair_bag(partial)
    path, number = repaired.path, repaired.messages
    assert path.parent.name == 'rejected'
    assert number > 1000
    assert files_of(path)[0].suffix == files_of(partial)[0].suffix
    assert partial.is_dir(), 'it is left as it is'
    with AnyReader([path]) as reader:
        times = [time for _, time, _ in reader.messages()]
    assert times == list(range(START, START + number))
    with pytest.raises(BagError, match='is there already'):
        repair_bag(partial)


@pytest.mark.parametrize('storage', STORAGES)
def test_a_full_disk_is_reported_and_finished_bags_stay(tmp_path, storage):
    """By a limit on the size of files, which the kernel enforces as it does the size of a disk."""
    program = FULL_DISK.format(storage=storage)
    tests = Path(__file__).parent
    done = subprocess.run([sys.executable, '-c', program, str(tmp_path), str(tests),
                           str(tests.parents[1])], capture_output=True, text=True, timeout=120)
    assert '0001_e2: could not be written: ' in done.stdout, done.stderr
    assert [path.name for path in find_bags(tmp_path)] == ['0000_e1']
    assert len(read_episode(tmp_path / '0000_e1', CONTRACT).actions) == 3
    repaired = repair_bag(tmp_path / '0001_e2.tmp')
    path, number = repaired.path, repaired.messages
    with AnyReader([path]) as reader:
        assert [time for _, time, _ in reader.messages()] == list(range(START, START + number))


FULL_DISK = """
import resource, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from small_arm import *
from inril_ros.data.bags.bags import BagError, EpisodeBag
from inril_ros.data.bags.queued_bag import QueuedBag
folder = Path(sys.argv[1])
whole = QueuedBag(EpisodeBag(folder, '0000_e1', '{storage}'), lossless=True)
write(whole, recorded(3))
whole.close({{}}, keep=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_500_000, 3_500_000))
bag = QueuedBag(EpisodeBag(folder, '0001_e2', '{storage}'), lossless=True, capacity=1000)
for index in range(10_000):
    message = joint_state(START + index, float(index), names=['j' * 1000])
    bag.write('joint_states', message.__msgtype__, START + index, serialised(message))
try:
    bag.close({{}}, keep=True)
except BagError as error:
    print(error)
"""


def test_an_unexpected_error_of_the_writer_is_reported_too(tmp_path):
    bag = QueuedBag(EpisodeBag(tmp_path, '0000_e1'), lossless=True)
    bag.write('x', 'no_such/msg/Type', START, b'')
    with pytest.raises(BagError, match='could not be written'):
        bag.close({}, keep=True)


def test_an_unknown_storage_is_refused(tmp_path):
    with pytest.raises(BagError, match="storage 'tape' is none of mcap, sqlite3"):
        EpisodeBag(tmp_path, '0000_e1', 'tape')


def test_the_publishers_quality_of_service_is_in_the_bag(tmp_path):
    offered = {'hand': [Qos(
        QosHistory.UNKNOWN, 0, QosReliability.BEST_EFFORT, QosDurability.TRANSIENT_LOCAL,
        *[QosTime(2147483647, 0)] * 2, QosLiveliness.AUTOMATIC, QosTime(2147483647, 0), False)]}
    for storage in STORAGES:
        bag = EpisodeBag(tmp_path, f'0000_{storage}', storage, offered)
        bag.write(*message(0))
        bag.write('goal', *message(1)[1:])
        with AnyReader([bag.close({}, keep=True)]) as reader:
            told = {link.topic: link.ext.offered_qos_profiles for link in reader.connections}
        assert told == {'/hand': offered['hand'], '/goal': []}


def test_a_folder_without_files_of_a_bag_is_not_repaired(tmp_path):
    (tmp_path / 'x.tmp').mkdir()
    for path in (tmp_path / 'x.tmp', tmp_path, tmp_path / 'absent.tmp'):
        with pytest.raises(BagError, match='is no bag of ROS 2'):
            repair_bag(path)
