# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The alignment of the imitation gradient and the RL gradient at one imitation event.

The theory of interleaving assumes a cosine c between the two *expected* gradients. Two minibatch
gradients don't show it: their noise makes them near-orthogonal whatever c is. So each gradient
is taken in two or more independent parts, and products of different parts estimate the products of
the expectations without bias:

    c = <g_I, g_R> / sqrt(|g_I|^2 |g_R|^2),   |g|^2 ~ mean over i != j of <g_i, g_j>

All parts of a gradient come from one distribution, the one that its steps are taken on: parts that
differ (demonstrations in one, own successes in the other) estimate the product of two different
gradients. Parts of g_R share no episode, because pairs of one episode share its outcome, and g_R
must not come from the batch that was just trained on: there IL pulls back along the last RL step,
noise included, which looks like conflict. Even so the denominator of a single event is often not
positive with PPO hosts: publish the estimate that is pooled over events (alignment_pool.py), never
a mean of ratios.

Everywhere in this package a `step` is what is subtracted from the parameters.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math

import torch
from torch import Tensor

Gradient = Sequence[Tensor]
"""One tensor per parameter, in the order of the parameter list."""


@dataclass(frozen=True)
class Products:
    """Inner products of the parts of two gradients over one block of parameters."""

    inner: float
    """<g_I, g_R>, unbiased: mean over all pairs of an IL and an RL part."""
    il: float
    """|g_I|^2, unbiased (mean over pairs of different parts); noise can make it negative."""
    rl: float
    il_mean_square: float
    """|mean of the IL parts|^2, which an optimiser sees; noise makes it larger than `il`."""
    rl_mean_square: float
    il_part_square: float
    """Mean of |part|^2 over the IL parts."""
    rl_part_square: float
    sign_conflict: float
    """Share of the coordinates where neither mean gradient is zero in which their signs differ;
    1/2 for pure noise."""

    @property
    def raw_cosine(self) -> float:
        """Return the cosine of the mean gradients, biased to 0 by noise; 0 if one is zero."""
        norms = math.sqrt(self.il_mean_square) * math.sqrt(self.rl_mean_square)
        return self.inner / norms if norms > 0.0 else 0.0

    @property
    def corrected_cosine(self) -> float | None:
        """Return the cosine without the bias, possibly beyond +-1; None for a denominator <= 0."""
        if self.il <= 0.0 or self.rl <= 0.0:
            return None
        return self.inner / (math.sqrt(self.il) * math.sqrt(self.rl))

    @property
    def il_snr(self) -> float:
        """Return |g_I| / standard deviation of the noise of one IL part; 0 if lost in noise."""
        return _signal_to_noise(self.il, self.il_part_square)

    @property
    def rl_snr(self) -> float:
        """Return |g_R| / standard deviation of the noise of one RL part; 0 if lost in noise."""
        return _signal_to_noise(self.rl, self.rl_part_square)


@dataclass(frozen=True)
class Alignment:
    """The alignment at one event, over all shared parameters and layer by layer."""

    whole: Products
    layers: Mapping[str, Products]
    layer_conflict: float
    """Share of the layers in which `inner` is negative."""
    il_to_rl: float | None
    """T(I->R) = <g_R, IL step>: the decrease of the RL loss by the IL step, predicted to first
    order from the step really taken; None if no step was given."""
    rl_to_il: float | None
    """T(R->I) = <g_I, RL step>: the decrease of the IL loss by the RL step, in the same way."""

    def scalars(self) -> dict[str, float]:
        """Return the values of the whole to log; undefined ones are left out."""
        found = {
            'inner': self.whole.inner, 'raw_cosine': self.whole.raw_cosine,
            'corrected_cosine': self.whole.corrected_cosine,
            'il_square': self.whole.il, 'rl_square': self.whole.rl,
            'il_norm': math.sqrt(self.whole.il_mean_square),
            'rl_norm': math.sqrt(self.whole.rl_mean_square),
            'il_snr': self.whole.il_snr, 'rl_snr': self.whole.rl_snr,
            'sign_conflict': self.whole.sign_conflict, 'layer_conflict': self.layer_conflict,
            'il_to_rl': self.il_to_rl, 'rl_to_il': self.rl_to_il}
        return {name: value for name, value in found.items() if value is not None}


def measure_alignment(il: Sequence[Gradient], rl: Sequence[Gradient], *,
                      layers: Sequence[str] | None = None, il_step: Gradient | None = None,
                      rl_step: Gradient | None = None) -> Alignment:
    """Compare the parts of the IL gradient with the parts of the RL gradient, at one point.

    Args:
        il: Two or more gradients of the IL loss on IL batches that were drawn independently.
        rl: Two or more gradients of the RL loss on disjoint sets of episodes (or lanes), of equal
            weight, none of them from the batch just trained on.
        layers: The layer of each tensor (see `layer_names`); tensors of one name are one block.
        il_step: Parameters before minus after the IL step.
        rl_step: Parameters before minus after the RL step (or all RL steps of a cycle).

    Raises:
        ValueError: Fewer than two parts, or lists that do not match.
    """
    _check(il, rl, layers, il_step, rl_step)
    steps = [step for step in (il_step, rl_step) if step is not None]
    il_rows, rl_rows = slice(0, len(il)), slice(len(il), len(il) + len(rl))
    rows = []
    for index in range(len(il[0])):
        parts = torch.stack([part[index].detach().flatten()
                             for part in (*il, *rl, *steps)]).double()
        gram = parts @ parts.T  # all inner products of this tensor at once
        signs = parts[il_rows].sum(dim=0) * parts[rl_rows].sum(dim=0)
        zero = gram.new_zeros(())
        rows.append(torch.stack([
            gram[il_rows, rl_rows].mean(), gram[il_rows, il_rows].mean(),
            gram[rl_rows, rl_rows].mean(), gram[il_rows, il_rows].diagonal().mean(),
            gram[rl_rows, rl_rows].diagonal().mean(),
            (signs < 0.0).sum().double(), torch.count_nonzero(signs).double(),
            zero if il_step is None else gram[rl_rows, len(il) + len(rl)].mean(),
            zero if rl_step is None else gram[il_rows, -1].mean()]))
    sums = torch.stack(rows)  # (tensors, 9)
    blocks: dict[str, list[int]] = {}
    for index, name in enumerate(layers or [str(index) for index in range(len(rows))]):
        blocks.setdefault(name, []).append(index)
    layer_products = {name: _products(sums[indices].sum(dim=0).tolist(), len(il), len(rl))
                      for name, indices in blocks.items()}
    total = sums.sum(dim=0).tolist()
    return Alignment(
        whole=_products(total, len(il), len(rl)), layers=layer_products,
        layer_conflict=(sum(block.inner < 0.0 for block in layer_products.values())
                        / len(layer_products)),
        il_to_rl=None if il_step is None else total[7],
        rl_to_il=None if rl_step is None else total[8])


def layer_names(parameter_names: Sequence[str]) -> list[str]:
    """Return the layer of each parameter: its name without '.weight' or '.bias'."""
    return [name.rpartition('.')[0] or name for name in parameter_names]


def smoothness(before: Gradient, after: Gradient, step: Gradient) -> float:
    """Return the curvature of a loss along a step: <g(after) - g(before), move> / |move|^2.

    A finite-difference estimate, from below, of the smoothness constant L (largest over all
    directions). Both gradients on the *same* batch, else the difference is noise. Negative where
    the loss is concave along the step; 0 for a step of zero.
    """
    along = sum(float(((first.double() - last.double()) * move.double()).sum())
                for first, last, move in zip(before, after, step))
    square = sum(float(move.double().square().sum()) for move in step)
    return along / square if square > 0.0 else 0.0


def needed_inner(products: Products, rl_smoothness: float, step_size: float) -> float:
    """Return the inner product above which an IL step is expected to lower the RL loss.

    L_R alpha_I (|g_I|^2 + noise) / 2, from the descent lemma for SGD. The step size alpha_I of an
    adaptive optimiser is |IL step| / |mean IL gradient|.
    """
    return rl_smoothness * step_size * products.il_mean_square / 2.0


@dataclass(frozen=True)
class ActionAlignment:
    """Alignment in function space, on the states of one batch."""

    cosine: float
    """Mean over states; nan if no state has two non-zero gradients."""
    conflict: float
    """Share of the states with a negative cosine; nan in the same case."""


def action_space_cosine(il: Tensor, rl: Tensor) -> ActionAlignment:
    """Compare the directions in which two losses push the actions, for separate networks.

    Args:
        il: (B, T, A), gradient of the IL loss with respect to the executed actions.
        rl: (B, T, A), gradient of the RL loss, on the same states and actions.

    Raises:
        ValueError: The shapes differ.
    """
    if il.dim() != 3 or il.shape != rl.shape:
        raise ValueError(f'gradients of shapes {tuple(il.shape)} and {tuple(rl.shape)}: both '
                         'must be (B, T, A)')
    left, right = il.detach().double().flatten(1), rl.detach().double().flatten(1)
    norms = torch.linalg.vector_norm(left, dim=1) * torch.linalg.vector_norm(right, dim=1)
    counted = norms > 0.0
    cosines = (left * right).sum(dim=1)[counted] / norms[counted]
    return ActionAlignment(float(cosines.mean()), float((cosines < 0.0).double().mean()))


def _products(sums: Sequence[float], il_parts: int, rl_parts: int) -> Products:
    inner, il_mean, rl_mean, il_part, rl_part, opposite, compared = sums[:7]
    return Products(
        inner=inner, il=_between_parts(il_mean, il_part, il_parts),
        rl=_between_parts(rl_mean, rl_part, rl_parts),
        il_mean_square=il_mean, rl_mean_square=rl_mean,
        il_part_square=il_part, rl_part_square=rl_part,
        sign_conflict=opposite / compared if compared else 0.0)


def _between_parts(mean_square: float, part_square: float, parts: int) -> float:
    """Return the mean of <g_i, g_j> over i != j: |sum|^2 less the products i = j."""
    return (parts * mean_square - part_square) / (parts - 1)


def _signal_to_noise(square: float, part_square: float) -> float:
    if square <= 0.0:
        return 0.0
    noise = part_square - square
    return math.sqrt(square / noise) if noise > 0.0 else math.inf


def _check(il: Sequence[Gradient], rl: Sequence[Gradient], layers: Sequence[str] | None,
           *steps: Gradient | None) -> None:
    if len(il) < 2 or len(rl) < 2:
        raise ValueError(f'{len(il)} IL and {len(rl)} RL parts: at least two independent parts '
                         'of each are needed to tell signal from noise')
    shapes = [tensor.shape for tensor in il[0]]
    if not shapes:
        raise ValueError('no shared parameters: use action_space_cosine for separate networks')
    for other in [*il, *rl, *(step for step in steps if step is not None)]:
        if [tensor.shape for tensor in other] != shapes:
            raise ValueError('all parts and steps must have one tensor per shared parameter, '
                             'in the same order and of the same shapes')
    if layers is not None and len(layers) != len(shapes):
        raise ValueError(f'{len(layers)} layer names for {len(shapes)} tensors')
