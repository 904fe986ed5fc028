#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sends a day's traffic between robot and learner as fast as possible, and measures what grows.

Two processes over real DDS. The robot's has the recorder's stream (journal, outbox, retention) and
the policy's receiver of weights; the learner's has the ledger, the sender of weights and the
checkpoints. No arm moves and nothing is learned: a transition counts as 0.8 s of traffic (eight
ticks at 10 Hz). In this time there is a version of the weights every 20 s and a checkpoint every
minute; the learner restarts from its last checkpoint every hour, and the recorder reopens its
journal every six hours.

    benchmarks/soak.py --hours 24 --minutes 10 --out docs/studies/soak
"""

import argparse
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time

from inril_ros.msg import PolicyStatus, Transition, TransitionAck
from matplotlib.figure import Figure
import numpy as np
import rclpy
from rclpy.node import Node
import torch

from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.learning.checkpoints import CheckpointStore
from inril_ros.learning.policies.artifact import build_policy, from_raw, schema_hash, to_raw
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.trial import actions_on, blank_frame
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.base.kept_memory import keep_memory
from inril_ros.nodes.dds.shared_memory import keep_bursts
from inril_ros.nodes.recording.transition_stream import TransitionStream
from inril_ros.nodes.weights.receiver import WeightsReceiver
from inril_ros.nodes.weights.sender import WeightsSender
from inril_ros.transport.journal.ledger import IngestLedger, Verdict
from inril_ros.transport.journal.retention import Retention
from inril_ros.transport.weights.tensors import wire_tensors, WireTensor

RUN, CONTRACT = 'soak', 'c' * 64
MODEL = ModelConfig(observation_size=39, action_size=4, chunk_length=8, actor_width=64,
                    critic_width=64)
TICK_SECONDS, TICKS = 0.1, 8  # of a transition
HOUR = round(3600 / (TICK_SECONDS * TICKS))  # transitions
VERSION, CHECKPOINT = HOUR // 180, HOUR // 60
KEPT_CHECKPOINTS = 3
WAITING = 200  # largest number of transitions without acknowledgement
LIMIT = Retention(gigabytes=0.1)
WARM_UP = 0.25  # share of the samples
PARTS = ((0.25, 0.5), (0.5, 0.75), (0.75, 1.0), (0.25, 1.0))  # of the samples, for the fit


@dataclass(frozen=True)
class Sample:
    """Resources of the two processes, the robot's first.

    Attributes:
        hours: Traffic so far [h].
        memory: Resident memory [MB].
        handles: Numbers of open files.
        threads: Numbers of threads.
        files: Number of files in the common folder.
        disk: Size of these files [MB].
    """

    hours: float
    memory: tuple[float, float]
    handles: tuple[int, int]
    threads: tuple[int, int]
    files: int
    disk: float


def sample(hours: float, processes: tuple[int, int], folder: Path) -> Sample:
    """Return the present resources of both processes and their folder."""
    page = os.sysconf('SC_PAGE_SIZE') / 1e6
    sizes = []
    for parent, _, names in os.walk(folder):  # which skips a folder that is deleted meanwhile
        for name in names:
            with suppress(FileNotFoundError):  # a checkpoint may be deleted, too
                sizes.append(os.stat(Path(parent, name)).st_size)
    return Sample(
        round(hours, 2),
        tuple(round(page * int(Path(f'/proc/{pid}/statm').read_text().split()[1]), 1)
              for pid in processes),
        tuple(len(os.listdir(f'/proc/{pid}/fd')) for pid in processes),
        tuple(len(os.listdir(f'/proc/{pid}/task')) for pid in processes),
        len(sizes), round(sum(sizes) / 1e6, 1))


def learn(folder: Path) -> None:
    """Run the learner's side until the process is ended."""
    keep_bursts()  # as learner_node does
    rclpy.init()
    node = rclpy.create_node('learning')
    acknowledgements = node.create_publisher(TransitionAck, 'transition_ack', qos.EXPERIENCE)
    sender = WeightsSender(node, RUN, 'learner', CONTRACT, half=False)
    store = CheckpointStore(folder / 'checkpoints', KEPT_CHECKPOINTS)
    policy = BestOfN(MODEL).eval()
    kept: deque[int] = deque(maxlen=KEPT_CHECKPOINTS)
    ledger, reached = IngestLedger(), 0

    def publish() -> None:
        with torch.no_grad():  # only what RL changes
            for parameter in policy.actor.parameters():
                parameter.mul_(1.0 + 1e-6)
        tensors = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
        sender.send(wire_tensors(to_raw(tensors)), MODEL.to_json(), schema_hash(tensors), reached)

    def take(message: Transition) -> None:
        nonlocal ledger, reached
        if ledger.judge(message.sequence, message.previous_sequence) is Verdict.NEW:
            ledger.take(message.sequence)
        if ledger.sequence > reached:
            reached = ledger.sequence
            if reached % VERSION == 0:
                publish()
            if reached % CHECKPOINT == 0:
                store.save(policy.state_dict(), {'sequence': reached})
                kept.append(reached)
            if reached % HOUR == HOUR // 2:
                ledger = IngestLedger(kept[-1])
        acknowledgements.publish(TransitionAck(
            run_id=RUN, sequence=ledger.sequence,
            kept_sequence=kept[0] if len(kept) == KEPT_CHECKPOINTS else 0))

    node.create_subscription(Transition, 'transition', take, qos.EXPERIENCE)
    node.create_subscription(PolicyStatus, 'policy/status', sender.on_policy_status, qos.STATE)
    rclpy.spin(node)


class Robot:
    """The robot's side: the parts of recorder and policy that talk to the learner."""

    def __init__(self, folder: Path) -> None:
        self.node = GuardedNode('robot')
        self._journal = folder / 'journal'
        self._statuses = self.node.create_publisher(PolicyStatus, 'policy/status', qos.STATE)
        self.versions = 0
        self.refusals: list[str] = []
        self._receiver = WeightsReceiver(
            self.node, RUN, CONTRACT, _load, self.refusals.append, lambda status: None,
            self._exchange)
        self._recorder: Node | None = None
        self.open()

    def open(self) -> None:
        """Open the journal as a starting recorder does; close an open one first."""
        if self._recorder is not None:
            self.stream.close()
            self._recorder.destroy_node()
        self._recorder = GuardedNode('recorder')
        self.stream = TransitionStream(
            self._recorder, self._journal, RUN, CONTRACT, 2.0, False, LIMIT)

    def send(self) -> int:
        """Send a transition; return its number."""
        number = self.stream.next_sequence
        message = Transition(
            run_id=RUN, contract_hash=CONTRACT, episode_id=f'{number // 20}', steps=TICKS,
            observation_size=MODEL.observation_size, action_size=MODEL.action_size,
            truncated=number % 20 == 0)
        message.observations.frombytes(bytes(4 * MODEL.observation_size * (TICKS + 1)))
        message.requested.frombytes(bytes(4 * MODEL.action_size * TICKS))
        message.executed.frombytes(bytes(4 * MODEL.action_size * TICKS))
        message.rewards.frombytes(bytes(4 * TICKS))
        self.stream.send(message)
        return number

    def spin(self, seconds: float) -> None:
        """Handle messages, or wait for them this long [s]."""
        rclpy.spin_once(self.node, timeout_sec=0.0)
        rclpy.spin_once(self._recorder, timeout_sec=seconds)

    def _exchange(self) -> None:
        loaded = self._receiver.pop_loaded()
        if loaded is not None:
            self.versions += 1
            self._receiver.note_acting(loaded, [loaded.manifest.version])
            self._statuses.publish(PolicyStatus(
                run_id=RUN, ready=True, weights_version=loaded.manifest.version))


def _load(manifest: object, received: dict[str, WireTensor]) -> torch.nn.Module:
    policy = build_policy(manifest.model_config, from_raw({
        name: (tensor.dtype, tensor.shape, tensor.data)
        for name, tensor in received.items()}), take=True)
    actions_on(policy, blank_frame(policy.config))
    return policy


def drive(folder: Path, learner: int, hours: float, minutes: float) -> dict[str, object]:
    """Send the traffic; return samples and counts."""
    robot, samples, number = Robot(folder), [], 0
    ends = time.monotonic() + 60.0 * minutes
    while number < hours * HOUR and time.monotonic() < ends:
        if number - robot.stream.acknowledged < WAITING:
            number = robot.send()
            robot.spin(0.0)
            if number % (HOUR // 10) == 0:
                samples.append(sample(number / HOUR, (os.getpid(), learner), folder))
            if number % (6 * HOUR) == 0:
                robot.open()
        else:
            robot.spin(0.05)
            robot.stream.resend()
    while robot.stream.acknowledged < number and time.monotonic() < ends + 60.0:
        robot.spin(0.05)
        robot.stream.resend()
    return {'hours_asked': hours, 'hours': round(number / HOUR, 2), 'transitions': number,
            'acknowledged': robot.stream.acknowledged,
            'versions_taken': robot.versions, 'versions_refused': len(robot.refusals),
            'retention_gigabytes': LIMIT.gigabytes, 'kept_checkpoints': KEPT_CHECKPOINTS,
            'samples': [asdict(each) for each in samples]}


def fit(samples: list[dict[str, object]], process: int,
        part: tuple[float, float]) -> tuple[float, float]:
    """Return the slope of the memory in a part of the samples, and its standard error [MB/h]."""
    begin, end = (round(share * len(samples)) for share in part)
    chosen = samples[begin:end]
    if len(chosen) < 4:
        return float('nan'), float('nan')
    (slope, _), covariance = np.polyfit([each['hours'] for each in chosen],
                                        [each['memory'][process] for each in chosen], 1, cov=True)
    return float(slope), float(covariance[0, 0] ** 0.5)


def write(result: dict[str, object], out: Path) -> None:
    """Write soak.json, soak.md and soak.png."""
    samples = result['samples']
    out.mkdir(parents=True, exist_ok=True)
    slopes = {part: [fit(samples, process, part) for process in (0, 1)] for part in PARTS}
    result['memory_slope_mb_per_hour'] = [
        {'from': part[0], 'to': part[1], 'process': name, 'slope': round(slope, 4),
         'standard_error': round(error, 4)}
        for part, both in slopes.items()
        for name, (slope, error) in zip(('robot', 'learner'), both)]
    (out / 'soak.json').write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')
    warm, last = samples[round(WARM_UP * len(samples))], samples[-1]
    rows = [('resident memory [MB], robot', *(each['memory'][0] for each in (warm, last))),
            ('resident memory [MB], learner', *(each['memory'][1] for each in (warm, last))),
            ('open files, robot and learner', *(each['handles'] for each in (warm, last))),
            ('threads, robot and learner', *(each['threads'] for each in (warm, last))),
            ('files in journal and checkpoints', *(each['files'] for each in (warm, last))),
            ('their size [MB]', *(each['disk'] for each in (warm, last)))]
    lines = [
        '# A day of traffic', '',
        f'`benchmarks/soak.py`: {result["hours"]:g} of {result["hours_asked"]:g} hours, '
        f'{result["transitions"]} transitions ({result["acknowledged"]} acknowledged), '
        f'{result["versions_taken"]} versions taken, {result["versions_refused"]} refused. '
        'The head of the script says what passes by how often. '
        f'Retention: {LIMIT.gigabytes:g} GB of journal, {KEPT_CHECKPOINTS} checkpoints.', '',
        f'| | after {warm["hours"]:g} h | after {last["hours"]:g} h |', '|---|---|---|',
        *(f'| {name} | {_plain(before)} | {_plain(after)} |' for name, before, after in rows), '',
        'Straight lines through the memory, MB per hour of traffic (± standard error):', '',
        '| part of the traffic | robot | learner |', '|---|---|---|',
        *(f'| {begin:.0%} to {end:.0%} | '
          + ' | '.join(f'{slope:+.3f} ± {error:.3f}' for slope, error in both) + ' |'
          for (begin, end), both in slopes.items()), '',
        'The learner fills the history of the stream of weights first (512 pieces, latched for '
        'whoever joins late): its memory grows until that is full, and not afterwards.', '',
        *([result['remark'], ''] if result.get('remark') else []),
        '![soak](soak.png)', '']
    (out / 'soak.md').write_text('\n'.join(lines), encoding='utf-8')
    figure = Figure(figsize=(8, 6), layout='constrained')
    above, below = figure.subplots(2, sharex=True)
    hours = [each['hours'] for each in samples]
    for process, name in enumerate(('robot', 'learner')):
        above.plot(hours, [each['memory'][process] for each in samples], label=name)
        below.plot(hours, [each['handles'][process] for each in samples],
                   label=f'open files, {name}')
    below.plot(hours, [each['files'] for each in samples], label='files on disk')
    above.set_ylabel('resident memory [MB]')
    below.set_xlabel('traffic [h]')
    for axes in (above, below):
        axes.set_ylim(bottom=0)
        axes.legend()
    figure.savefig(out / 'soak.png', dpi=100)


def _plain(value: object) -> str:
    return ' and '.join(map(str, value)) if isinstance(value, tuple | list) else f'{value:g}'


def main() -> None:
    """Send the traffic, measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hours', type=float, default=24.0, help='of traffic')
    parser.add_argument('--minutes', type=float, default=60.0, help='that it may take')
    parser.add_argument('--out', type=Path, default=Path('soak'))
    parser.add_argument('--remark', default='', help='what a reader must know, for soak.md')
    parser.add_argument('--learn', type=Path, help='be the other process')
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()  # as every node does
    if options.learn:
        learn(options.learn)
        return
    with reserve_domain() as domain, tempfile.TemporaryDirectory(prefix='soak_') as folder:
        rclpy.init(domain_id=domain)
        process = subprocess.Popen(
            [sys.executable, Path(__file__).resolve(), '--learn', folder],
            env={**os.environ, **domain_environment(domain)})
        try:
            result = drive(Path(folder), process.pid, options.hours, options.minutes)
        finally:
            process.kill()
            process.wait()
    write({**result, 'remark': options.remark}, options.out)
    print((options.out / 'soak.md').read_text(encoding='utf-8'))


if __name__ == '__main__':
    main()
