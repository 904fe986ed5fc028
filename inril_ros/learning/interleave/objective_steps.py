# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The gradient steps of RL and imitation: an optimiser each, steps separated where they meet."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from inril_ros.learning.hosts.host import Host
from inril_ros.learning.interleave.controls import gaussian_step
from inril_ros.learning.interleave.dose import Dose
from inril_ros.learning.interleave.interleaving_config import InterleavingConfig
from inril_ros.learning.interleave.separation import (
    adam_preconditioner,
    apply_step,
    clipped,
    proposed_step,
    separate,
    separate_steps,
    step_along,
)
from inril_ros.learning.saved_state import load_optimiser, optimiser_tensors


class ObjectiveSteps:
    """Steps the actor along RL gradients and the imitated network along IL gradients.

    Their lengths are added to the dose. Losses are not its subject: gradients come from outside.
    """

    def __init__(self, config: InterleavingConfig, host: Host, dose: Dose, shared: bool,
                 generator: torch.Generator) -> None:
        """Make both optimisers; RL has none if it moves no actor.

        Args:
            config: The settings of interleaving.
            host: Has the parameters.
            dose: Adds up the lengths of the steps.
            shared: Whether both objectives move the same network.
            generator: Random numbers of the control parameter_noise.
        """
        self._config, self._host, self._dose = config, host, dose
        self._shared, self._generator = shared, generator
        self.imitation_optimiser = torch.optim.AdamW(
            list(host.imitation_parameters), lr=config.imitation_learning_rate,
            weight_decay=config.imitation_weight_decay)
        self.rl_optimiser = torch.optim.Adam(
            list(host.actor_parameters), lr=host.actor_steps.learning_rate
        ) if host.actor_steps else None

    @property
    def protects_rl(self) -> bool:
        """Return whether IL steps are kept from raising the RL loss."""
        return self._config.separation in ('two_sided', 'protect_rl')

    def rl(self, gradients: Sequence[Tensor]) -> None:
        """Take an RL step alone."""
        parameters = self._host.actor_parameters
        with self._dose.rl(parameters):
            step_along(self.rl_optimiser, parameters, gradients,
                       self._host.actor_steps.gradient_clip)

    def rl_beside(self, il: list[Tensor], rl: list[Tensor]) -> list[Tensor]:
        """Take the RL step; return the IL step from the same point, both separated."""
        config = self._config
        il_clip = config.imitation_gradient_clip
        if not self._shared:
            self.rl(rl)
            return proposed_step(
                self.imitation_optimiser, self._host.imitation_parameters, clipped(il, il_clip))
        parameters, clip = self._host.actor_parameters, self._host.actor_steps.gradient_clip
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
        with self._dose.rl(parameters):
            apply_step(parameters, rl_step)
        return il_step

    def il(self, gradients: Sequence[Tensor], reference: list[Tensor] | None) -> None:
        """Take an IL step alone that does not raise the RL loss of the gradient `reference`."""
        config, parameters = self._config, self._host.imitation_parameters
        if reference is not None and self.protects_rl:
            gradients = separate(
                gradients, reference, 'protect_rl', always=config.separation_always,
                per_tensor=config.separation_per_tensor).il
        if config.control == 'parameter_noise':
            self.apply_il(proposed_step(
                self._il_optimiser, parameters,
                clipped(gradients, config.imitation_gradient_clip)))
            return
        with self._dose.il(parameters):
            step_along(self._il_optimiser, parameters, gradients, config.imitation_gradient_clip)

    def apply_il(self, step: list[Tensor]) -> None:
        """Take an IL step that was proposed."""
        if self._config.control == 'parameter_noise':
            step = gaussian_step(step, self._generator)
        with self._dose.il(self._host.imitation_parameters):
            apply_step(self._host.imitation_parameters, step)

    @property
    def _il_optimiser(self) -> torch.optim.Optimizer:
        return self.rl_optimiser if self._config.shared_adam else self.imitation_optimiser

    # ---- checkpoints ------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state of the optimisers."""
        tensors = optimiser_tensors('imitation_optimiser', self.imitation_optimiser)
        if self.rl_optimiser is not None:
            tensors.update(optimiser_tensors('rl_optimiser', self.rl_optimiser))
        return tensors

    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `state_dict` returned; other tensors are ignored."""
        load_optimiser('imitation_optimiser', self.imitation_optimiser, tensors)
        if self.rl_optimiser is not None:
            load_optimiser('rl_optimiser', self.rl_optimiser, tensors)
