# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The method: one RL update of the host and, where the schedule demands it, imitation beside it.

Both gradients are taken at the same point, kept from undoing each other if they share parameters,
and stepped by separate optimisers. For every host this is the only place where a policy's weights
change by gradients.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inril_ros.learning.hosts.host import Host
from inril_ros.learning.interleave.adaptive import Event
from inril_ros.learning.interleave.controls import regularised
from inril_ros.learning.interleave.cycle import CycleMeter
from inril_ros.learning.interleave.dose import Dose
from inril_ros.learning.interleave.interleaving_config import InterleavingConfig
from inril_ros.learning.interleave.objective_steps import ObjectiveSteps
from inril_ros.learning.interleave.probe import AlignmentProbe, DrawImitation, gradient
from inril_ros.learning.interleave.schedule import AdaptiveSchedule
from inril_ros.learning.interleave.schedule_choice import imitates, make_schedule
from inril_ros.learning.interleave.separation import copies, difference
from inril_ros.learning.metrics import LearnerMetrics
from inril_ros.learning.saved_state import prefixed, unprefixed

_REFRESH = 10
"""IL steps in a block after which the RL gradient that they must not harm is computed again."""


class Interleaver:
    """Takes RL updates and imitation events; counters are those of `schedule`."""

    def __init__(self, config: InterleavingConfig, host: Host, draw: DrawImitation,
                 random: np.random.Generator, generator: torch.Generator,
                 heldout: Callable[[], float | None], seed: int) -> None:
        """Begin before the first update.

        Args:
            config: The settings of interleaving.
            host: The RL algorithm.
            draw: Draws an IL batch.
            random: Random numbers that IL batches are drawn with.
            generator: Random numbers of the imitation loss's noise.
            heldout: Measures the imitation loss on demonstrations kept out of learning.
            seed: Seed of a schedule that draws m, and of measurements, which change nothing.

        Raises:
            ValueError: The settings need a network that RL and IL share, and the host has
                separate ones; or they need held-out demonstrations, and there are none.
        """
        self.config, self.host = config, host
        self._draw, self._heldout = draw, heldout
        self._random, self._generator = random, generator
        actor, imitated = list(host.actor_parameters), list(host.imitation_parameters)
        self.shared = bool({id(p) for p in actor} & {id(p) for p in imitated})
        self._check_shared()
        self.dose = Dose(config.dose_window)
        self.steps = ObjectiveSteps(config, host, self.dose, self.shared, generator)
        if not self._needs_references:
            host.without_references()
        self.schedule = make_schedule(config, heldout, seed)
        self.probe = AlignmentProbe(
            host, draw, config.imitation_batch, config.alignment_window, seed)
        self.cycle = CycleMeter(host, heldout) if config.schedule == 'model' else None
        self.metrics = LearnerMetrics()

    def _check_shared(self) -> None:
        config = self.config
        needs = [f'schedule {config.schedule}'] * (config.schedule in ('alignment', 'model'))
        needs += ['shared_adam'] * config.shared_adam
        needs += [f'control {config.control}'] * (config.control == 'bc_regularised')
        if needs and not self.shared:
            raise ValueError(f'{", ".join(needs)}: needs a network that RL and imitation share; '
                             'this host separates them')

    @property
    def _needs_references(self) -> bool:
        """Return whether the host's reference batches are used: only at imitation events."""
        config = self.config
        return self.shared and imitates(config) and bool(
            config.alignment_every or config.schedule == 'model'
            or (config.unit == 'iteration' and self.steps.protects_rl))

    # ---- one update ------------------------------------------------------------------------

    def update(self) -> dict[str, float]:
        """Take one RL update and the imitation that becomes due; return what to log."""
        host, schedule = self.host, self.schedule
        iterations = host.iterations
        if self.cycle is not None:
            self.cycle.begin_unit(schedule)
        batch = host.draw()
        logged = self._critic_update(batch)
        rl = self._rl_gradient(batch)
        schedule.count_rl()
        if schedule.imitation_due:
            logged.update(self._imitate(rl))
        elif rl is not None:
            self.steps.rl(rl)
        logged.update(host.finish(batch))
        for _ in range(host.iterations - iterations):
            schedule.count_iteration()
        if schedule.imitation_due:
            logged.update(self._imitate(None))
        logged.update(
            rl_updates=float(schedule.rl_updates), il_updates=float(schedule.il_updates),
            ratio=schedule.ratio, m=float('inf') if schedule.m is None else float(schedule.m),
            dose=self.dose.ratio, rl_path=self.dose.rl_path, il_path=self.dose.il_path)
        self.metrics = self.metrics.after(logged)
        return logged

    @property
    def alignment_in_words(self) -> str:
        """Return a description of the pooled alignment."""
        if not self.config.alignment_every or not self.probe.readings:
            return 'not measured'
        if not self.shared:
            return 'separate networks: compared by their gradients at the action'
        return self.probe.pool.estimate().in_words

    def _critic_update(self, batch: Any) -> dict[str, float]:
        if self.host.actor_steps is not None:
            return self.host.critic_update(batch)
        # RL moves the critic alone: its path is the critic's.
        with self.dose.rl(self.host.critic_parameters):
            return self.host.critic_update(batch)

    def _rl_gradient(self, batch: Any) -> list[Tensor] | None:
        """Return the gradient of the actor's RL loss; None if this update has none."""
        if self.host.actor_steps is None or self.config.control in ('no_critic', 'frozen_actor'):
            return None
        loss = self.host.actor_loss(batch)
        if loss is None:
            return None
        found = gradient(loss, self.host.actor_parameters)
        if self.config.control == 'bc_regularised':
            imitation, _ = self._il_gradient()
            found = regularised(found, imitation, self.config.control_weight)
        return found

    def _il_gradient(self) -> tuple[list[Tensor], float]:
        loss = self.host.imitation_loss(
            *self._draw(self._random, self.config.imitation_batch), self._generator)
        return gradient(loss, self.host.imitation_parameters), float(loss.detach())

    # ---- an imitation event ----------------------------------------------------------------

    def _imitate(self, rl: list[Tensor] | None) -> dict[str, float]:
        """Take the IL steps that are due, the first one beside the RL step if there is one.

        Without an RL step (an iteration of the host has ended) IL steps are kept from raising the
        RL loss on episodes that were not trained on. What the controller is told of the losses
        before imitation is measured after the cycle's last RL step and before its first IL step.
        """
        measured = (self.config.alignment_every
                    and self.schedule.events % self.config.alignment_every == 0)
        reading = self.probe.begin() if measured and self.shared else None
        logged = self.probe.in_action_space() if measured and not self.shared else {}
        # Later IL steps are separated from the RL gradient of the same update, if there is one.
        reference = rl if self.shared else None
        heldout = self._end_rl() if rl is None else None
        start = copies(self.host.actor_parameters) if reading is not None else []
        rl_step: list[Tensor] | None = None
        taken = 0
        while self.schedule.imitation_due:
            il, logged['il_loss'] = self._il_gradient()
            if taken == 0 and rl is not None:
                il_step = self.steps.rl_beside(il, rl)
                if reading is not None:
                    rl_step = difference(start, self.host.actor_parameters)
                    start = copies(self.host.actor_parameters)
                    self.probe.after_rl(reading)
                heldout = self._end_rl()
                self.steps.apply_il(il_step)
            else:
                if rl is None and self.shared and self.steps.protects_rl and taken % _REFRESH == 0:
                    reference = self._reference()
                self.steps.il(il, reference)
            self.host.after_imitation()
            self.schedule.count_il()
            taken += 1
        if reading is not None:
            il_step = difference(start, self.host.actor_parameters)
            logged.update(self.probe.end(reading, il_step, rl_step))
        self._steer(logged, heldout)
        return logged

    def _end_rl(self) -> float | None:
        """Measure where the RL part of a cycle ends; return the held-out loss if it steers m."""
        if not (isinstance(self.schedule, AdaptiveSchedule)
                and self.schedule.controller.needs_heldout):
            return None
        heldout = self._heldout()
        if self.cycle is not None:
            self.cycle.end_rl(self.schedule, heldout)
        return heldout

    def _reference(self) -> list[Tensor] | None:
        """Return the RL gradient at the present weights on episodes not trained on."""
        if self.host.warming_up:
            return None
        losses = [self.host.actor_loss(batch) for batch in self.host.reference_batches()]
        if not losses:
            return None
        return gradient(torch.stack(losses).mean(), self.host.actor_parameters)

    def _steer(self, logged: dict[str, float], heldout: float | None) -> None:
        """Pass the measurements of the event to the controller, if there is one."""
        dose = self.dose.end_cycle()
        losses = self.cycle.end_event() if self.cycle is not None else None
        if not isinstance(self.schedule, AdaptiveSchedule):
            return
        self.schedule.controller.observe(Event(
            alignment=self.probe.pool.estimate() if len(self.probe.pool) else None,
            losses=losses, heldout_il_loss=heldout, dose=dose))
        logged['m'] = self.schedule.controller.m

    # ---- checkpoints ------------------------------------------------------------------------

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return optimisers, counters and measurements."""
        tensors = self.steps.state_dict()
        document = {'schedule': self.schedule.state_dict(), 'dose': self.dose.state_dict(),
                    'probe': self.probe.state_dict()}
        if self.cycle is not None:
            cycle_tensors, document['cycle'] = self.cycle.state_dict()
            tensors.update(prefixed('cycle', cycle_tensors))
        return tensors, document

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.steps.load_state_dict(tensors)
        self.schedule.load_state_dict(document['schedule'])
        self.dose.load_state_dict(document['dose'])
        self.probe.load_state_dict(document['probe'])
        if self.cycle is not None:
            self.cycle.load_state_dict(
                unprefixed('cycle', tensors, may_lack=True), document['cycle'])
