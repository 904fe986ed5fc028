# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Gradient surgery: keeps imitation and RL from undoing each other where they share parameters.

With two gradients, projecting each one onto the half-space in which it does not harm the other is
PCGrad (Yu et al. 2020) and, up to a factor 1/2, projection onto the dual cone (UPGrad).

Both gradients are taken at the same point. There are two metrics:

- euclid: gradients are projected, and each optimiser gets a projected gradient. Adam then
  rescales it and adds momentum, so its step is in general not orthogonal.
- adam: the step that the optimiser would take is projected and applied as it is:

      il_step = proposed_step(il_optimiser, parameters, il_gradients)
      rl_step = proposed_step(rl_optimiser, parameters, rl_gradients)
      apart = separate_steps(il_step, rl_step, il_gradients, rl_gradients, mode,
                             il_metric=adam_preconditioner(il_optimiser, parameters),
                             rl_metric=adam_preconditioner(rl_optimiser, parameters))
      apply_step(parameters, apart.il)
      apply_step(parameters, apart.rl)

Clip gradient norms after `separate`, and before `proposed_step`.
"""
from __future__ import annotations

from collections.abc import Sequence
import math
from typing import NamedTuple

import torch
from torch import Tensor

from inril_ros.learning.interleave.interleaving_config import Mode, MODES


class Separated(NamedTuple):
    """The projected gradients or steps, one tensor per parameter."""

    il: list[Tensor]
    rl: list[Tensor]


def separate(il: Sequence[Tensor], rl: Sequence[Tensor], mode: Mode, *, always: bool = False,
             per_tensor: bool = False) -> Separated:
    """Remove from each gradient what harms the other loss to first order.

    For d = <il, rl> < 0 (or any d if `always`):

        il' = il - d / |rl|^2 rl     in two_sided and protect_rl, so that <il', rl> = 0
        rl' = rl - d / |il|^2 il     in two_sided and protect_il, so that <rl', il> = 0

    Each one is orthogonal to the *original* other, not to its projection:
    <il', rl'> = -d (1 - cos^2), which is >= 0 in a conflict. See `separate_steps`.
    """
    return separate_steps(il, rl, il, rl, mode, always=always, per_tensor=per_tensor)


def separate_steps(il_step: Sequence[Tensor], rl_step: Sequence[Tensor], il: Sequence[Tensor],
                   rl: Sequence[Tensor], mode: Mode, *, always: bool = False,
                   per_tensor: bool = False, il_metric: Sequence[Tensor] | None = None,
                   rl_metric: Sequence[Tensor] | None = None) -> Separated:
    """Remove from each step what raises the other loss to first order.

    Steps are subtracted from the parameters: a step u changes the RL loss by -<u, rl>. For
    <u, rl> < 0 (or any if `always`), with u the IL step, w the RL step, P the metrics:

        u' = u - <u, rl> / (rl^T P_il rl) P_il rl     in two_sided and protect_rl
        w' = w - <w, il> / (il^T P_rl il) P_rl il     in two_sided and protect_il

    Then <u', rl> = 0: to first order the IL step leaves the RL loss exactly as it is, whatever
    momentum or weight decay are in u; and <w', il> = 0 in the same way. Of all such steps u' is
    the nearest to u in the norm of P_il^-1. u' is orthogonal neither to w' nor to w.

    Products are summed in float64, so float32 gradients of any finite scale are handled; the
    results keep the type of the steps. A gradient of zero has nothing to protect. Gradients that
    are not finite pass through unchanged: check them before.

    Args:
        il_step: The IL step u.
        rl_step: The RL step w.
        il: The gradient of the IL loss.
        rl: The gradient of the RL loss.
        mode: Which of the two losses is protected.
        always: Project aligned directions too: the literal reading of "orthogonal subspaces", at
            the price of the useful common part.
        per_tensor: Compare and project each tensor by itself; then every tensor, and so the whole
            too, is orthogonal.
        il_metric: Positive multipliers P_il, one per coordinate; None: ones.
        rl_metric: Positive multipliers P_rl; None: ones.

    Raises:
        ValueError: An unknown mode, or lists that do not match.
    """
    if mode not in MODES:
        raise ValueError(f'separation mode {mode!r} is unknown; allowed are {MODES}')
    _check_same_shapes(il_step, rl_step, il, rl, il_metric, rl_metric)
    # Converted once: conversions are most of the cost.
    il64, rl64 = _double(il), _double(rl)
    return Separated(
        _without_harm(il_step, il64 if il_step is il else _double(il_step), rl64, il_metric,
                      mode in ('two_sided', 'protect_rl'), always, per_tensor),
        _without_harm(rl_step, rl64 if rl_step is rl else _double(rl_step), il64, rl_metric,
                      mode in ('two_sided', 'protect_il'), always, per_tensor))


def adam_preconditioner(optimiser: torch.optim.Optimizer,
                        parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return the factors by which Adam or AdamW multiplies (the moving average of) a gradient.

    1 / (sqrt(v / (1 - beta2^t)) + eps) per coordinate, as of the optimiser's last step; ones for
    a parameter that it has not stepped yet. The learning rate is not included.

    Raises:
        ValueError: A parameter that is not the optimiser's, or an optimiser without second
            moments.
    """
    groups = {id(parameter): group for group in optimiser.param_groups
              for parameter in group['params']}
    metric = []
    for index, parameter in enumerate(parameters):
        if id(parameter) not in groups:
            raise ValueError(f'parameter {index} is not one that the optimiser steps')
        group, state = groups[id(parameter)], optimiser.state.get(parameter)
        if not state:
            metric.append(torch.ones_like(parameter).detach())
            continue
        name = 'max_exp_avg_sq' if group.get('amsgrad') else 'exp_avg_sq'
        if name not in state:
            raise ValueError(f'{type(optimiser).__name__} keeps no {name}: the metric adam is for '
                             'Adam and AdamW; use euclid')
        correction = math.sqrt(1.0 - group['betas'][1] ** float(state['step']))
        metric.append(1.0 / (state[name].sqrt() / correction + group['eps']))
    return metric


def proposed_step(optimiser: torch.optim.Optimizer, parameters: Sequence[Tensor],
                  gradients: Sequence[Tensor]) -> list[Tensor]:
    """Return the step that the optimiser takes on these gradients; parameters are restored.

    Its moments do advance. Learning rate, momentum and weight decay are all in the step: the
    optimiser arrived at parameters - step.

    Raises:
        ValueError: The optimiser's parameters are not exactly these.
    """
    _check_same_shapes(parameters, gradients)
    owned = [parameter for group in optimiser.param_groups for parameter in group['params']]
    if {id(parameter) for parameter in owned} != {id(parameter) for parameter in parameters}:
        raise ValueError(f'the optimiser has {len(owned)} parameters, which are not the '
                         f'{len(parameters)} given: a proposed step would move others')
    before = copies(parameters)
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.detach().clone()
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    step = difference(before, parameters)
    with torch.no_grad():
        for parameter, start in zip(parameters, before):
            parameter.copy_(start)
    return step


@torch.no_grad()
def apply_step(parameters: Sequence[Tensor], step: Sequence[Tensor]) -> None:
    """Subtract a step from the parameters, in place."""
    _check_same_shapes(parameters, step)
    for parameter, change in zip(parameters, step):
        parameter.sub_(change)


def step_along(optimiser: torch.optim.Optimizer, parameters: Sequence[Tensor],
               gradients: Sequence[Tensor], clip: float | None) -> None:
    """Take a step along gradients, clipped together to the norm `clip`."""
    for parameter, part in zip(parameters, clipped(gradients, clip)):
        parameter.grad = part
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def clipped(gradients: Sequence[Tensor], largest: float | None) -> list[Tensor]:
    """Return gradients whose norm, all together, is at most `largest`."""
    if largest is None:
        return list(gradients)
    norm = torch.linalg.vector_norm(torch.stack(
        [torch.linalg.vector_norm(part) for part in gradients]))
    return [part * (largest / (norm + 1e-6)).clamp(max=1.0) for part in gradients]


def copies(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return copies of the parameters, without gradient."""
    return [parameter.detach().clone() for parameter in parameters]


def difference(before: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return the step from `before` to the present parameters: before minus after."""
    return [start - parameter.detach() for start, parameter in zip(before, parameters)]


def _without_harm(step: Sequence[Tensor], step64: Sequence[Tensor],
                  protected64: Sequence[Tensor], metric: Sequence[Tensor] | None, project: bool,
                  always: bool, per_tensor: bool) -> list[Tensor]:
    """Return the step, projected if `project` and if it harms what is protected."""
    if per_tensor and len(step) > 1:
        return [_without_harm([step[i]], [step64[i]], [protected64[i]], metric and [metric[i]],
                              project, always, False)[0] for i in range(len(step))]
    along = _inner(step64, protected64)
    if project and (along < 0.0 or always) and math.isfinite(along):
        direction = _scaled(protected64, metric)
        length = _inner(direction, protected64)
        if length > 0.0:
            return [torch.sub(own, way, alpha=along / length).to(tensor.dtype)
                    for tensor, own, way in zip(step, step64, direction)]
    return [tensor.detach() for tensor in step]


def _scaled(tensors: Sequence[Tensor], metric: Sequence[Tensor] | None) -> list[Tensor]:
    if metric is None:
        return [tensor.detach() for tensor in tensors]
    # In the type of the gradients: the step that a float32 optimiser would take.
    return [tensor.detach() * scale for tensor, scale in zip(tensors, metric)]


def _double(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach().double() for tensor in tensors]


def _inner(left: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    if not left:
        return 0.0
    return float(torch.stack([torch.dot(a.flatten(), b.flatten())
                              for a, b in zip(left, right)]).sum())


def _check_same_shapes(first: Sequence[Tensor], *others: Sequence[Tensor] | None) -> None:
    shapes = [tuple(tensor.shape) for tensor in first]
    for other in others:
        if other is not None and [tuple(tensor.shape) for tensor in other] != shapes:
            raise ValueError(f'tensors of shapes {[tuple(t.shape) for t in other]} do not match '
                             f'{shapes}: one per parameter, in the order of the parameter list')
