# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Both losses at four points of a cycle, for the controller that models them.

Only the weights at the beginning and in the middle are kept. At the imitation event the losses at
all points are measured on the same data with the same critic, so differences between points are
due to the actor alone.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.host import Host
from inril_ros.learning.interleave.adaptive import CycleLosses
from inril_ros.learning.interleave.schedule import CountingSchedule
from inril_ros.learning.interleave.separation import copies


class CycleMeter:
    """Measures each cycle: m RL units, then an imitation event."""

    def __init__(self, host: Host, heldout: Callable[[], float | None]) -> None:
        """Begin before a cycle; `heldout` measures the IL loss at the present weights."""
        self._host, self._heldout = host, heldout
        self._began = 0
        self._start: list[Tensor] = []
        self._middle: list[Tensor] = []
        self._middle_units = 0
        self._losses: dict[str, float] | None = None

    def begin_unit(self, schedule: CountingSchedule) -> None:
        """Keep the weights if a cycle begins here or is half over; call it before each RL update.

        While the critic warms up RL takes no steps: the units counted begin after it.
        """
        if self._host.warming_up:
            return
        units = _units(schedule)
        if not self._start:
            self._began, self._start = units, copies(self._parameters)
        elif not self._middle and schedule.m and units - self._began >= schedule.m / 2:
            self._middle_units, self._middle = units - self._began, copies(self._parameters)

    def end_rl(self, schedule: CountingSchedule, il_after: float | None) -> None:
        """Measure all points before the imitation event, if the host has reference batches.

        Call it after the last RL step and before the first IL step; `il_after` is the held-out IL
        loss there.
        """
        references = [] if self._host.warming_up else self._host.reference_batches()
        self._losses = None
        if not (self._start and self._middle and references):
            return
        with _at(self._parameters, self._start):
            self._batches = [self._host.anchored(batch) for batch in references]
            rl_before, il_before = self._rl(), self._heldout()
        with _at(self._parameters, self._middle):
            il_middle = self._heldout()
        self._losses = {
            'units': float(_units(schedule) - self._began),
            'middle_units': float(self._middle_units), 'rl_before': rl_before,
            'il_before': il_before, 'il_middle': il_middle,
            'rl_after': self._rl(), 'il_after': il_after}

    def end_event(self) -> CycleLosses | None:
        """Measure after the imitation event; return the cycle, and begin the next one."""
        self._start, self._middle = [], []
        if self._losses is None:
            return None
        losses, self._losses = self._losses, None
        return CycleLosses(**losses, rl_imitated=self._rl(), il_imitated=self._heldout())

    @property
    def _parameters(self) -> Sequence[nn.Parameter]:
        return self._host.actor_parameters

    @torch.no_grad()
    def _rl(self) -> float:
        return sum(float(self._host.actor_loss(batch))
                   for batch in self._batches) / len(self._batches)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the kept weights; call it between updates, never within an event."""
        tensors = {f'{name}.{index}': tensor
                   for name, weights in (('start', self._start), ('middle', self._middle))
                   for index, tensor in enumerate(weights)}
        return tensors, {'began': self._began, 'middle_units': self._middle_units}

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._began = int(document['began'])
        self._middle_units = int(document['middle_units'])
        device = self._parameters[0].device
        self._start, self._middle = (
            [tensors[f'{name}.{index}'].to(device) for index in range(len(self._parameters))
             if f'{name}.{index}' in tensors] for name in ('start', 'middle'))


def _units(schedule: CountingSchedule) -> int:
    return schedule.rl_updates if schedule.unit == 'minibatch' else schedule.iterations


@contextmanager
def _at(parameters: Sequence[nn.Parameter], weights: Sequence[Tensor]) -> Iterator[None]:
    """Use other weights within the block."""
    present = copies(parameters)
    with torch.no_grad():
        for parameter, weight in zip(parameters, weights):
            parameter.copy_(weight)
        try:
            yield
        finally:
            for parameter, weight in zip(parameters, present):
                parameter.copy_(weight)
