# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What learner and policy say while a run is fine-tuned, as lines of JSON."""

from pathlib import Path
import time
from typing import Any

from inril_ros.data.record_files import JsonLines, read_json_lines
from inril_ros.msg import LearnerStatus, PolicyStatus

_RECORDED = (
    'env_steps', 'rl_updates', 'il_updates', 'ratio', 'rl_loss', 'il_loss', 'heldout_il_loss',
    'dose', 'updates_per_second', 'weights_version', 'm', 'alignment_cosine', 'alignment_low',
    'alignment_high', 'alignment_c_min', 'sign_conflict')
"""Fields of LearnerStatus in the metrics of a run."""


class LearningLog:
    """Writes the statuses of learner and policy; as a context manager it closes its files.

    Args:
        metrics: File of the learner's statuses.
        weights: File of the versions that acted, or were refused.
    """

    def __init__(self, metrics: Path, weights: Path) -> None:
        # The time of a resumed run continues where it stopped.
        last = (read_json_lines(metrics) or [{'time': 0.0}])[-1]['time']
        self._began = time.monotonic() - last
        self._metrics = JsonLines(metrics)
        self._weights = JsonLines(weights)
        self._published: dict[int, tuple[float, int]] = {}
        self._last_metrics = -1
        self._last_applied = 0
        self._last_refused = 0

    def __enter__(self) -> 'LearningLog':
        return self

    def __exit__(self, *error: object) -> None:
        self._metrics.close()
        self._weights.close()

    @property
    def seconds(self) -> float:
        """Time since the stage began [s]."""
        return time.monotonic() - self._began

    def listen(self, status: Any) -> None:
        """Record a status."""
        if isinstance(status, LearnerStatus):
            self._learner(status)
        elif isinstance(status, PolicyStatus):
            self._policy(status)

    def _learner(self, status: LearnerStatus) -> None:
        self._published.setdefault(status.weights_version, (self.seconds, status.rl_updates))
        if status.rl_updates - self._last_metrics < 20:
            return
        self._last_metrics = status.rl_updates
        self._metrics.append(
            {'time': self.seconds, **{name: getattr(status, name) for name in _RECORDED}})

    def _policy(self, status: PolicyStatus) -> None:
        if status.refused > self._last_refused:
            self._last_refused = status.refused
            self._weights.append({'version': None, 'published': None, 'applied': None,
                                  'learner_step': None, 'refused': status.refusal,
                                  'time': self.seconds})
        version = status.weights_version
        if version <= self._last_applied:
            return
        self._last_applied = version
        published, step = self._published.get(version, (None, None))
        self._weights.append({
            'version': version, 'published': published, 'applied': self.seconds,
            'learner_step': step, 'receive_seconds': status.receive_seconds,
            'verify_seconds': status.verify_seconds, 'swap_seconds': status.swap_seconds,
            'refused': ''})
