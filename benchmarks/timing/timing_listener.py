# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Receives commands and records when they were sent.

DDS stamps each message in the sending process, so a late listener doesn't matter. But the kernel's
counters are read on receipt, so its threads get priority where that is allowed.
"""

from contextlib import suppress
import os
from pathlib import Path
import threading
from typing import Any

from inril_ros.msg import EpisodeEvent, ExecutedAction, PolicyStatus, WeightsManifest
import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from timing_statistics import Sent

from inril_ros.nodes.base import qos

_TICK = 10_000_000  # [ns] of the counters in /proc/stat
_NICENESS = -15


class Listener:
    """The commands on one topic, with the kernel's counters of the thread that sends them.

    Args:
        domain_id: ROS domain.
        kind: Message class of the command.
        topic: Its topic.
    """

    def __init__(self, domain_id: int, kind: Any, topic: str) -> None:
        self._rows: list[tuple[int, int, int, int]] = []
        self._sequences: list[int] = []
        self._weights: list[int] = []
        self._sender: Path | None = None
        self._closing = threading.Event()
        self.started = 0  # [ns] when an episode began
        self.held = 0
        self.acting = -1  # version of the weights; -1: not reported
        self._context = Context()
        self._thread = threading.Thread(target=self._listen, args=(domain_id, kind, topic))
        self._thread.start()

    def watch(self, process_id: int) -> None:
        """Set the sending process; its main thread is measured."""
        self._sender = Path(f'/proc/{process_id}/task/{process_id}/schedstat')

    @property
    def received(self) -> int:
        """Number of commands so far."""
        return len(self._rows)

    @property
    def first(self) -> int:
        """Time at which the first command was sent [ns]."""
        return self._rows[0][0]

    def sent(self, begin: int, end: int) -> Sent:
        """Return what was sent from ``begin`` to ``end`` [ns]."""
        rows = np.array(sorted(self._rows), np.int64).reshape(-1, 4)
        inside = Sent(*rows.T).between(begin, end)
        numbers = [number for (stamp, *_), number in zip(self._rows, self._sequences)
                   if begin <= stamp <= end and number > 0]
        lost = max(numbers) - min(numbers) + 1 - len(numbers) if numbers else 0
        return Sent(inside.stamps, inside.ran, inside.waited, inside.stolen, lost)

    def weights(self, begin: int, end: int) -> tuple[int, ...]:
        """Return when weights were sent from ``begin`` to ``end`` [ns]."""
        return tuple(stamp for stamp in self._weights if begin <= stamp <= end)

    def close(self) -> None:
        """Leave the graph."""
        self._closing.set()
        self._thread.join()

    def _listen(self, domain_id: int, kind: Any, topic: str) -> None:
        with suppress(PermissionError):  # of this thread, and of those that it makes
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        rclpy.init(context=self._context, domain_id=domain_id,
                   signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node('listener', context=self._context, enable_rosout=False)
        for heard_kind, heard_topic, take, profile in (
                (kind, topic, self._command, qos.RECORD),
                (WeightsManifest, 'weights/manifest', self._version, qos.EVENT),
                (EpisodeEvent, 'episode/event', self._event, qos.EVENT),
                (ExecutedAction, 'executed_action', self._executed, qos.RECORD),
                (PolicyStatus, 'policy/status', self._policy, qos.STATE)):
            node.create_subscription(heard_kind, heard_topic, take, profile)
        executor = SingleThreadedExecutor(context=self._context)
        executor.add_node(node)
        while not self._closing.is_set():
            executor.spin_once(timeout_sec=0.1)
        executor.shutdown()
        node.destroy_node()
        self._context.try_shutdown()

    def _command(self, _: Any, info: dict) -> None:
        self._rows.append((info['source_timestamp'], *self._counters()))
        self._sequences.append(info.get('publication_sequence_number') or 0)

    def _version(self, _: WeightsManifest, info: dict) -> None:
        self._weights.append(info['source_timestamp'])

    def _event(self, message: EpisodeEvent, info: dict) -> None:
        if message.event == EpisodeEvent.STARTED:
            self.started = info['source_timestamp']

    def _executed(self, message: ExecutedAction) -> None:
        self.held += message.source == ExecutedAction.HOLD

    def _policy(self, message: PolicyStatus) -> None:
        self.acting = message.weights_version

    def _counters(self) -> tuple[int, int, int]:
        """Return the time that the sender has run and waited for a core, and stolen time [ns]."""
        ran = waited = 0
        if self._sender is not None:
            try:
                ran, waited, _ = map(int, self._sender.read_text().split())
            except (OSError, ValueError):
                self._sender = None  # it has ended
        cpu = Path('/proc/stat').read_text(encoding='utf-8').split('\n', 1)[0].split()
        return ran, waited, int(cpu[8]) * _TICK
