#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures the cost of recording a demonstration of the two-camera arm with the recorder node.

This process plays robot, cameras, person and actuation with the contract's messages: states,
commands and executed actions at 100 Hz, two JPEG cameras at 30 Hz. The recorder is another
process. The benchmark looks for every sent message in the bag; CPU time is the kernel's count.

    benchmarks/recording_benchmark.py                     # 60 s each, images of 128 and 640 pixels
    benchmarks/recording_benchmark.py --seconds 600 --out docs/studies/recorder
"""

import argparse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
import os
from pathlib import Path
import platform
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
from uuid import uuid4

from geometry_msgs.msg import TwistStamped
from inril_ros.msg import EpisodeEvent, EpisodeRequest, ExecutedAction, Outcome, RecorderStatus
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Joy
from std_msgs.msg import Header
from std_srvs.srv import Trigger
import yaml

from inril_ros.cli.run.resources import find_configuration
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.data.record_files import read_json, write_json
from inril_ros.graph.description import NodeDescription
from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.graph.supervisor import node_command
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.message_types import message_type
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.messages.codecs import encode_observations, stamp_ns
from inril_ros.robot.messages.commands import encode_command
from inril_ros.robot.messages.images import encode_image

RATE, CAMERA_RATE = 100.0, 30.0  # [Hz]
SIZES = ((128, 128), (640, 480))  # pixels
STORAGES = ('mcap', 'sqlite3')
PATIENCE = 120.0  # [s]
_PICTURES = 30  # different ones per camera


@dataclass(frozen=True)
class Measured:
    """The cost of one recording.

    Attributes:
        width: Width of the images [pixel].
        height: Height of the images [pixel].
        storage: Storage of the bag.
        seconds: Length of the episode [s].
        sent: Number of messages of the episode.
        missing: Messages that aren't in the bag, by topic.
        dropped: Messages that the recorder reports as dropped.
        megabytes_per_second: Rate of all messages in the bag.
        image_kilobytes: Mean size of an image.
        cpu_share: CPU time of the recorder per second of the episode; 1 is one core.
        memory: Peak memory of the recorder [MB].
        late_ticks: Ticks that this process sent more than a period late: the machine is busy.
        load: Load average of the last minute.
        discarded: Why the recorder discarded the episode; empty: it kept it.
    """

    width: int
    height: int
    storage: str
    seconds: float
    sent: int
    missing: dict[str, int]
    dropped: int
    megabytes_per_second: float
    image_kilobytes: float
    cpu_share: float
    memory: float
    late_ticks: int
    load: float
    discarded: str = ''


def contract_file(folder: Path, width: int, height: int) -> Path:
    """Write the two-camera contract with the benchmark's rates and image size."""
    data = yaml.safe_load(find_configuration('robots', 'metaworld_sawyer_cameras').read_text())
    data['control_rate'] = RATE
    data['episode']['time_limit'] = 100_000.0
    data['policy_images']['max_age'] = 10.0  # a robot would be held; the benchmark goes on
    for camera in data['cameras'].values():
        camera.update(width=width, height=height, rate=CAMERA_RATE)
    for observation in data['observations'].values():
        observation['max_age'] = 10.0
    path = folder / 'contract.yaml'
    path.write_text(yaml.safe_dump(data), encoding='utf-8')
    return path


def pictures(width: int, height: int) -> list[np.ndarray]:
    """Return RGB images with edges and grain, as costly for JPEG as those of a lab."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width] / width
    made = []
    for index in range(_PICTURES):
        image = np.stack([127 + 100 * np.sin(9 * columns + 0.2 * index + shift)
                          * np.cos(7 * rows - shift) for shift in range(3)], axis=2)
        for _ in range(12):
            top, left = rng.integers(0, height), rng.integers(0, width)
            image[top:top + height // 5, left:left + width // 5] = rng.integers(0, 255, 3)
        made.append(np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8))
    return made


class PlayedArm:
    """Everything around the recorder. Keeps the stamps of sent messages by topic."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._node = rclpy.create_node('played_arm')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._publishers = {}
        self.sent: dict[str, list[int]] = defaultdict(list)
        self.saved: EpisodeEvent | None = None
        self.status: RecorderStatus | None = None
        self._node.create_subscription(EpisodeEvent, 'episode/event', self._hear, qos.EVENT)
        self._node.create_subscription(
            RecorderStatus, 'recorder/status', self._status, qos.STATE)
        self._ready = self._node.create_client(Trigger, 'recorder_node/ready')
        rules = contract.teleoperation
        self._topics = {'executed_action': (ExecutedAction, qos.RECORD),
                        'episode/event': (EpisodeEvent, qos.EVENT),
                        contract.episode.outcome_topic: (Outcome, qos.LOCKSTEP),
                        rules.twist_topic: (TwistStamped, qos.COMMAND),
                        rules.joy_topic: (Joy, qos.COMMAND)}
        for topic, kind in {**contract.observation_topics(), **contract.action_topics()}.items():
            self._topics[topic] = (message_type(kind), qos.SENSOR)
        for camera in contract.cameras.values():
            self._topics[camera.topic] = (message_type(camera.type), qos.SENSOR)
        for topic, (kind, profile) in self._topics.items():
            self._publishers[topic] = self._node.create_publisher(kind, topic, profile)
        camera = next(iter(contract.cameras.values()))
        self._images = [encode_image(camera, image, 1, message_type)
                        for image in pictures(camera.width, camera.height)]
        self.image_bytes = sum(len(image.data) for image in self._images) / len(self._images)
        self._values = {name: np.full(entry.length, 0.3)
                        for name, entry in contract.observations.items()}
        self._episode = str(uuid4())

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Wait until the recorder subscribes to all topics with their QoS."""
        limit, answer = time.monotonic() + PATIENCE, None
        while answer is None or not answer.success:
            check()
            if time.monotonic() > limit:
                raise SystemExit(f'the recorder is not ready: {answer}')
            if self._ready.wait_for_service(1.0):
                future = self._ready.call_async(Trigger.Request())
                self._executor.spin_until_future_complete(future, 5.0)
                answer = future.result() if future.done() else None
            time.sleep(0.5)

    def play(self, seconds: float) -> tuple[int, int, int]:
        """Play an episode of this length [s]; return start and end [ns] and late ticks."""
        period = 1.0 / RATE
        for tick in range(-20, 0):  # messages before the episode begins
            self._observe(tick, time.time_ns())
            time.sleep(period)
        start = time.time_ns()
        self._event(EpisodeEvent.RESETTING, start - 1)
        self._event(EpisodeEvent.STARTED, start)
        due, late, stamp, ticks = time.monotonic(), 0, start, round(seconds * RATE)
        for tick in range(ticks):
            wait = due + tick * period - time.monotonic()
            late += wait < -period
            if wait > 0:
                time.sleep(wait)
            stamp = start if tick == 0 else time.time_ns()
            self._observe(tick, stamp)
            self._act(tick, stamp)
        end = time.time_ns()
        self._observe(ticks, end)
        self._publish(self.contract.episode.outcome_topic, Outcome(
            header=_header(end), outcome=Outcome.SUCCESS, reward=1.0), end)
        self._event(EpisodeEvent.ENDED, end, ticks)
        return start, end, late

    def wait_saved(self, check: Callable[[], None]) -> EpisodeEvent:
        """Return the recorder's event for the episode."""
        limit = time.monotonic() + PATIENCE
        while self.saved is None:
            check()
            self._executor.spin_once(timeout_sec=0.1)
            if time.monotonic() > limit:
                raise SystemExit('the recorder does not say what became of the episode')
        return self.saved

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()

    def _observe(self, tick: int, stamp: int) -> None:
        for topic, message in encode_observations(
                self.contract, self._values, stamp, message_type):
            self._publish(topic, message, stamp)
        shown = int((tick + 1) * CAMERA_RATE / RATE)
        if shown != int(tick * CAMERA_RATE / RATE):
            for number, camera in enumerate(self.contract.cameras.values()):
                image = self._images[(shown + 7 * number) % _PICTURES]
                image.header = _header(stamp)
                self._publish(camera.topic, image, stamp)

    def _act(self, tick: int, stamp: int) -> None:
        contract, rules = self.contract, self.contract.teleoperation
        action = np.zeros(contract.action_size, np.float32)
        header = _header(stamp)
        self._publish(rules.twist_topic, TwistStamped(header=header), stamp)
        self._publish(rules.joy_topic, Joy(header=header, axes=[0.0], buttons=[1] * 12), stamp)
        for topic, message in encode_command(contract, action, stamp, message_type):
            self._publish(topic, message, stamp)
        self._publish('executed_action', ExecutedAction(
            header=header, episode_id=self._episode, tick=tick, source=ExecutedAction.TELEOP,
            requested=action.tolist(), executed=action.tolist(), person_share=1.0), stamp)

    def _publish(self, topic: str, message: object, stamp: int) -> None:
        self._publishers[topic].publish(message)
        self.sent[topic].append(stamp)

    def _event(self, event: int, stamp: int, tick: int = 0) -> None:
        self._publishers['episode/event'].publish(EpisodeEvent(
            header=_header(stamp), episode_id=self._episode, event=event, tick=tick,
            purpose=EpisodeRequest.DEMONSTRATION, contract_hash=self.contract.hash,
            outcome=EpisodeEvent.SUCCESS if event == EpisodeEvent.ENDED else 0))

    def _hear(self, message: EpisodeEvent) -> None:
        if message.event in (EpisodeEvent.SAVED, EpisodeEvent.DISCARDED):
            self.saved = message

    def _status(self, message: RecorderStatus) -> None:
        self.status = message


class Recorder:
    """The recorder node as a process."""

    def __init__(self, contract: Path, demonstrations: Path, storage: str, domain: int) -> None:
        node = NodeDescription('recorder_node', 'recorder_node', parameters={
            'contract': str(contract), 'demonstrations': str(demonstrations),
            'storage': storage})
        self._process = subprocess.Popen(
            node_command(node), env={**os.environ, **domain_environment(domain)})

    def check(self) -> None:
        """Raise SystemExit if the recorder has died."""
        if self._process.poll() is not None:
            raise SystemExit(f'the recorder ended with {self._process.returncode}')

    def cpu_seconds(self) -> float:
        """Return the recorder's CPU time [s]."""
        text = Path(f'/proc/{self._process.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(text[11]) + int(text[12])) / os.sysconf('SC_CLK_TCK')

    def peak_memory(self) -> float:
        """Return the recorder's peak memory [MB]."""
        for line in Path(f'/proc/{self._process.pid}/status').read_text().splitlines():
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) / 1024.0
        return float('nan')

    def end(self) -> None:
        """End the recorder."""
        self._process.terminate()
        self._process.wait(30)


def measure(seconds: float, width: int, height: int, storage: str) -> Measured:
    """Record one episode and compare its bag with the sent messages."""
    with TemporaryDirectory(prefix='inril_recording_') as place, reserve_domain() as domain:
        folder = Path(place)
        path = contract_file(folder, width, height)
        rclpy.init(domain_id=domain)
        recorder = Recorder(path, folder / 'demonstrations', storage, domain)
        arm = PlayedArm(load_contract(path))
        try:
            arm.wait_ready(recorder.check)
            before = recorder.cpu_seconds()
            start, end, late = arm.play(seconds)
            saved = arm.wait_saved(recorder.check)
            cpu, memory = recorder.cpu_seconds() - before, recorder.peak_memory()
            [bag] = {path.parent for path in folder.rglob('metadata.yaml')}
            missing, sent, size = _compare(bag, arm, start, end)
            kept = saved.event == EpisodeEvent.SAVED
            return Measured(
                width, height, storage, (end - start) / 1e9, sent, missing,
                int(arm.status.dropped) if arm.status else 0, size / (end - start) * 1e3,
                arm.image_bytes / 1e3, cpu / ((end - start) / 1e9), memory, late,
                os.getloadavg()[0], '' if kept else saved.reason)
        finally:
            recorder.end()
            arm.close()
            rclpy.try_shutdown()


def _compare(bag: Path, arm: PlayedArm, start: int, end: int) -> tuple[dict[str, int], int, int]:
    """Return missing messages by topic, the number sent, and the size [byte] in the bag."""
    store, found, size = ros_typestore(), defaultdict(set), 0
    with AnyReader([bag], default_typestore=store) as reader:
        for link, _, raw in reader.messages():
            size += len(raw)
            found[link.topic.lstrip('/')].add(stamp_ns(reader.deserialize(raw, link.msgtype)))
    wanted = {topic: {stamp for stamp in stamps if start <= stamp <= end}
              for topic, stamps in arm.sent.items()}
    missing = {topic: len(stamps - found[topic]) for topic, stamps in wanted.items()}
    return ({topic: number for topic, number in missing.items() if number},
            sum(map(len, wanted.values())), size)


def _header(stamp: int) -> Header:
    header = Header(frame_id='base')
    header.stamp.sec, header.stamp.nanosec = divmod(stamp, 1_000_000_000)
    return header


def table(rows: list[Measured]) -> str:
    """Return the results as a table."""
    lines = ['| images | storage | s | messages | missing | CPU of the recorder | MB/s | kB per '
             'image | memory MB | late ticks of the sender | load | kept |', '|' + '---|' * 12]
    lines += [
        f'| {row.width} x {row.height} | {row.storage} | {row.seconds:.0f} | {row.sent} | '
        f'{sum(row.missing.values())} | {100 * row.cpu_share:.0f} % of a core | '
        f'{row.megabytes_per_second:.2f} | {row.image_kilobytes:.1f} | {row.memory:.0f} | '
        f'{row.late_ticks} | {row.load:.1f} | {"no" if row.discarded else "yes"} |'
        for row in rows]
    return '\n'.join(lines)


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--storage', choices=STORAGES, nargs='*', default=['mcap'])
    parser.add_argument('--width', type=int, choices=[width for width, _ in SIZES],
                        help='of the images; both, if not given')
    parser.add_argument('--out', type=Path, help='folder of recorder.json and recorder.md; '
                        'recordings that are there already are kept')
    options = parser.parse_args()
    rows = []
    for width, height in SIZES:
        if options.width not in (None, width):
            continue
        for storage in options.storage:
            rows.append(measure(options.seconds, width, height, storage))
            print(rows[-1], flush=True)
    print(table(rows))
    if options.out is None:
        return
    processor = platform.processor() or platform.machine()
    if (options.out / 'recorder.json').exists():
        earlier = read_json(options.out / 'recorder.json')['recordings']
        rows = [*(Measured(**row) for row in earlier), *rows]
    write_json(options.out / 'recorder.json', {
        'made_by': 'benchmarks/recording_benchmark.py', 'cores': os.cpu_count(),
        'processor': processor, 'python': sys.version.split()[0],
        'state_rate': RATE, 'camera_rate': CAMERA_RATE,
        'recordings': [asdict(row) for row in rows]}, replace=True)
    (options.out / 'recorder.md').write_text(
        '# What recording costs\n\n'
        f'Made by `benchmarks/recording_benchmark.py` on {os.cpu_count()} cores ({processor}), '
        f'Python {sys.version.split()[0]}: a demonstration of the two-camera contract by the '
        f'recorder node, states, commands and executed actions at {RATE:.0f} Hz, two JPEG cameras '
        f'at {CAMERA_RATE:.0f} Hz, over real DDS. Each message that was sent is looked for in the '
        'bag. CPU time is what the kernel counts for the process, per second of the episode; the '
        'load says how many processes wanted a core meanwhile.\n\n' + table(rows) + '\n',
        encoding='utf-8')


if __name__ == '__main__':
    main()
