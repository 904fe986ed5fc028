# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The method: one RL update of the host and, where the schedule demands it, imitation beside it.

Both gradients are taken at the same point, kept from undoing each other if they share parameters,
and stepped by separate optimisers. For every host this is the only place where a policy's weights
change by gradients.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inril_ros.learning.hosts.host import Host
from inril_ros.learning.interleave.adaptive import Event
from inril_ros.learning.interleave.controls import gaussian_step, regularised
from inril_ros.learning.interleave.cycle import CycleMeter
from inril_ros.learning.interleave.dose import Dose
from inril_ros.learning.interleave.interleaving_config import InterleavingConfig
from inril_ros.learning.interleave.probe import AlignmentProbe, DrawImitation, gradient
from inril_ros.learning.interleave.schedule import AdaptiveSchedule
from inril_ros.learning.interleave.schedule_choice import imitates, make_schedule
from inril_ros.learning.interleave.separation import (
    adam_preconditioner,
    apply_step,
    clipped,
    copies,
    difference,
    proposed_step,
    separate,
    separate_steps,
    step_along,
)
from inril_ros.learning.metrics import LearnerMetrics
from inril_ros.learning.saved_state import (
    load_optimiser,
    optimiser_tensors,
    prefixed,
    unprefixed,
)

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
        if not self._needs_references:
            host.without_references()
        self.imitation_optimiser = torch.optim.AdamW(
            imitated, lr=config.imitation_learning_rate,
            weight_decay=config.imitation_weight_decay)
        self.rl_optimiser = torch.optim.Adam(
            actor, lr=host.actor_steps.learning_rate) if host.actor_steps else None
        self.schedule = make_schedule(config, heldout, seed)
        self.dose = Dose(config.dose_window)
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
            or (config.unit == 'iteration' and self._protects_rl))

    @property
    def _protects_rl(self) -> bool:
        return self.config.separation in ('two_sided', 'protect_rl')

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
            self._step_rl(rl)
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
        if self.rl_optimiser is not None:
            return self.host.critic_update(batch)
        # RL moves the critic alone: its path is the critic's.
        with self.dose.rl(self.host.critic_parameters):
            return self.host.critic_update(batch)

    def _rl_gradient(self, batch: Any) -> list[Tensor] | None:
        """Return the gradient of the actor's RL loss; None if this update has none."""
        if self.rl_optimiser is None or self.config.control in ('no_critic', 'frozen_actor'):
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
                il_step = self._step_rl_beside(il, rl)
                if reading is not None:
                    rl_step = difference(start, self.host.actor_parameters)
                    start = copies(self.host.actor_parameters)
                    self.probe.after_rl(reading)
                heldout = self._end_rl()
                self._apply_il(il_step)
            else:
                if rl is None and self.shared and self._protects_rl and taken % _REFRESH == 0:
                    reference = self._reference()
                self._step_il(il, reference)
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
        if self.config.schedule not in ('anchor', 'model'):
            return None
        heldout = self._heldout()
        if self.cycle is not None:
            self.cycle.end_rl(self.schedule, heldout)
        return heldout

    def _step_rl(self, gradients: Sequence[Tensor]) -> None:
        parameters = self.host.actor_parameters
        with self.dose.rl(parameters):
            step_along(self.rl_optimiser, parameters, gradients,
                       self.host.actor_steps.gradient_clip)

    def _step_rl_beside(self, il: list[Tensor], rl: list[Tensor]) -> list[Tensor]:
        """Take the RL step; return the IL step from the same point, both separated."""
        config = self.config
        il_clip = config.imitation_gradient_clip
        if not self.shared:
            self._step_rl(rl)
            return proposed_step(
                self.imitation_optimiser, self.host.imitation_parameters, clipped(il, il_clip))
        parameters, clip = self.host.actor_parameters, self.host.actor_steps.gradient_clip
        how = {'always': config.separation_always, 'per_tensor': config.separation_per_tensor}
        if config.separation_metric == 'euclid':
            apart = separate(il, rl, config.separation, **how)
            rl_step = proposed_step(self.rl_optimiser, parameters, clipped(apart.rl, clip))
            il_step = proposed_step(self._il_optimiser, parameters, clipped(apart.il, il_clip))
        else:
            rl_step = proposed_step(self.rl_optimiser, parameters, clipped(rl, clip))
            il_step = proposed_step(self._il_optimiser, parameters, clipped(il, il_clip))
            apart = separate_steps(
                il_step, rl_step, il, rl, config.separation, **how,
                il_metric=adam_preconditioner(self._il_optimiser, parameters),
                rl_metric=adam_preconditioner(self.rl_optimiser, parameters))
            rl_step, il_step = apart.rl, apart.il
        with self.dose.rl(parameters):
            apply_step(parameters, rl_step)
        return il_step

    def _step_il(self, gradients: Sequence[Tensor], reference: list[Tensor] | None) -> None:
        """Take an IL step alone that does not raise the RL loss of the gradient `reference`."""
        config, parameters = self.config, self.host.imitation_parameters
        if reference is not None and self._protects_rl:
            gradients = separate(
                gradients, reference, 'protect_rl', always=config.separation_always,
                per_tensor=config.separation_per_tensor).il
        if config.control == 'parameter_noise':
            self._apply_il(proposed_step(self._il_optimiser, parameters, gradients))
            return
        with self.dose.il(parameters):
            step_along(self._il_optimiser, parameters, gradients, config.imitation_gradient_clip)

    def _apply_il(self, step: list[Tensor]) -> None:
        if self.config.control == 'parameter_noise':
            step = gaussian_step(step, self._generator)
        with self.dose.il(self.host.imitation_parameters):
            apply_step(self.host.imitation_parameters, step)

    @property
    def _il_optimiser(self) -> torch.optim.Optimizer:
        return self.rl_optimiser if self.config.shared_adam else self.imitation_optimiser

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
        tensors = optimiser_tensors('imitation_optimiser', self.imitation_optimiser)
        if self.rl_optimiser is not None:
            tensors.update(optimiser_tensors('rl_optimiser', self.rl_optimiser))
        document = {'schedule': self.schedule.state_dict(), 'dose': self.dose.state_dict(),
                    'probe': self.probe.state_dict()}
        if self.cycle is not None:
            cycle_tensors, document['cycle'] = self.cycle.state_dict()
            tensors.update(prefixed('cycle', cycle_tensors))
        return tensors, document

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        load_optimiser('imitation_optimiser', self.imitation_optimiser, tensors)
        if self.rl_optimiser is not None:
            load_optimiser('rl_optimiser', self.rl_optimiser, tensors)
        self.schedule.load_state_dict(document['schedule'])
        self.dose.load_state_dict(document['dose'])
        self.probe.load_state_dict(document['probe'])
        if self.cycle is not None:
            self.cycle.load_state_dict(
                unprefixed('cycle', tensors, may_lack=True), document['cycle'])
