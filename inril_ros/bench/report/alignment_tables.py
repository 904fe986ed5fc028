# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Alignment in the report of a study: over all shared parameters, and layer by layer."""

from collections.abc import Sequence

from inril_ros.bench.report.curves import Curve
from inril_ros.bench.report.wording import mean_last, table
from inril_ros.bench.study import Arm

#: Alignment entries that the log of a row may have, with the heads of their columns.
ALIGNMENT = {
    'alignment_pooled_cosine': 'cosine', 'alignment_pooled_low': 'from',
    'alignment_pooled_high': 'to', 'alignment_c_min': 'c_min',
    'alignment_distinguishable': 'clear of zero',
    'alignment_sign_conflict': 'sign conflict', 'alignment_action_cosine': 'cosine in action',
    'alignment_action_conflict': 'conflict in action'}
_TRANSFER = {
    'alignment_il_to_rl_slope': 'IL steps on the RL loss: slope',
    'alignment_il_to_rl_r_squared': 'R²',
    'alignment_rl_to_il_slope': 'RL steps on the IL loss: slope',
    'alignment_rl_to_il_r_squared': 'R² ',
    'alignment_il_snr': 'SNR of IL', 'alignment_rl_snr': 'SNR of RL'}
_LAYER = 'alignment_layer/'


def alignment_by_layer(arms: Sequence[Arm], curves: Sequence[Curve]) -> str:
    """Return tables of the alignment per layer and of transfer; empty if not measured."""
    layers, transfer = [], []
    for arm in arms:
        own = [curve for curve in curves if curve.arm == arm.name]
        names = sorted({name[len(_LAYER):].rpartition('/')[0] for curve in own
                        for name in curve.rows[-1]['log'] if name.startswith(_LAYER)})
        layers += [[arm.host, arm.name, f'`{name}`', mean_last(own, f'log.{_LAYER}{name}/cosine'),
                    mean_last(own, f'log.{_LAYER}{name}/t')] for name in names]
        if names:
            transfer.append([arm.host, arm.name, *(
                mean_last(own, f'log.{name}') for name in _TRANSFER)])
    if not layers:
        return ''
    return '\n\n'.join([
        'How well a step predicts, to first order, its effect on the other loss (1: perfectly), '
        'and the signal-to-noise ratio (SNR) of the gradients:',
        table(['host', 'arm', *_TRANSFER.values()], transfer),
        'The cosine of each layer, corrected for noise and pooled, if its norms exceed the noise; '
        'and the t-value of its inner product:',
        table(['host', 'arm', 'layer', 'cosine', 't'], layers)])
