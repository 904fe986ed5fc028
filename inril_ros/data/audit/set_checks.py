# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks over all episodes: order of joints, episodes that differ or are the same."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from inril_ros.data.agreement.joint_order import joint_order
from inril_ros.data.audit import thresholds
from inril_ros.data.audit.finding import Finding
from inril_ros.data.audit.layout import Demonstration

_PAUSE = 10.0  # [s] between the episodes that are put one after the other


def check_set(demonstrations: Sequence[Demonstration]) -> list[Finding]:
    """Return the findings that need all episodes."""
    return [*_orders(demonstrations), *_same(demonstrations), *_signs(demonstrations),
            *_outliers(demonstrations)]


def _orders(demonstrations: Sequence[Demonstration]) -> list[Finding]:
    """Find commands of one joint in the place of another."""
    if not demonstrations:
        return []
    findings, layout = [], demonstrations[0].layout
    for action, entry in layout.contract.actions.items():
        values = [value for value in layout.values if value.action == action]
        if len(values) < 2 or not entry.joints or entry.quantity == 'effort' \
                or any(value.measured is None for value in values):
            continue
        starts = np.cumsum([0.0] + [len(each.actions) * each.period + _PAUSE
                                    for each in demonstrations])
        times = np.concatenate([start + each.period * np.arange(len(each.actions))
                                for start, each in zip(starts, demonstrations)])
        commands = np.concatenate([each.actions for each in demonstrations])
        seen = np.concatenate([each.observations[:-1] for each in demonstrations])
        order = joint_order(
            times, commands[:, [value.index for value in values]], entry.joints,
            {joint: (times, seen[:, value.measured])
             for joint, value in zip(entry.joints, values)}, entry.commands_positions)
        if order.wrong:
            pairs = ', '.join(f'{entry.joints[index]} follows the motion of {order.joints[index]}'
                              for index in order.wrong)
            findings.append(Finding(
                'wrong', f'{action}: the commands are in another order than the joints: the '
                f'command of {pairs} (difference of {order.error:.3g} in this order, '
                f'{order.best:.3g} in the other)', 'Write the joints in the order of the '
                'commands, and import again', 'order', joint=action))
    return findings


def _same(demonstrations: Sequence[Demonstration]) -> list[Finding]:
    """Find episodes with the same commands and observations."""
    findings, first = [], {}
    for each in demonstrations:
        key = sha256(each.actions.tobytes() + each.observations.tobytes()).digest()
        other = first.setdefault(key, each.name)
        if other != each.name:
            findings.append(Finding(
                'look at this', f'has exactly the values of {other}', 'Was it imported twice? '
                'Delete one of them', 'same episode', each.name))
    return findings


def _signs(demonstrations: Sequence[Demonstration]) -> list[Finding]:
    """Find quaternions of one orientation with two signs, in different episodes."""
    findings = []
    for name, place in demonstrations[0].layout.quaternions.items() if demonstrations else ():
        starts = np.stack([each.observations[0, place] for each in demonstrations])
        agreement = starts @ starts[0]
        other = [each.name for each, dot in zip(demonstrations, agreement) if dot < -0.7]
        if other:
            findings.append(Finding(
                'look at this', f'{name}: begins near the same orientation as '
                f'{demonstrations[0].name}, but with the other sign of the quaternion, in '
                f'{len(other)} episodes: {", ".join(other[:5])}',
                'One orientation has two names for the policy: give it rotation_6d (derived)',
                'flip', joint=name))
    return findings


def _outliers(demonstrations: Sequence[Demonstration]) -> list[Finding]:
    """Find episodes whose length, start or range is far from those of all others."""
    if len(demonstrations) < thresholds.FEWEST_EPISODES:
        return []
    layout = demonstrations[0].layout
    observed = [index for name, place in layout.quantities.items()
                if name in layout.contract.observations  # what is derived from them says no more
                for index in range(place.start, place.stop)]
    labels = [layout.observed[index] for index in observed]
    spans = {value.measured: value.span for value in layout.values if value.positions}
    floor = np.array([thresholds.OUTLIER_SPAN * spans[index] if index in spans
                      else thresholds.OUTLIER_OTHER for index in observed])
    seen = [each.observations[:, observed] for each in demonstrations]
    lengths = np.array([[len(each.actions)] for each in demonstrations], np.float64)
    starts = np.stack([rows[0] for rows in seen])
    lowest, highest = (np.stack([getattr(rows, end)(0) for rows in seen])
                       for end in ('min', 'max'))
    findings = []
    for row, each in enumerate(demonstrations):
        others = [np.delete(table, row, axis=0) for table in (lengths, starts, lowest, highest)]
        differences = [
            *_far(lengths[row], others[0], ['length'], thresholds.OUTLIER_LENGTH, ' ticks'),
            *_far(starts[row], others[1], [f'{label} begins at' for label in labels], floor, ''),
            *_beyond(lowest[row], highest[row], others[2].min(0), others[3].max(0), labels,
                     floor)]
        if differences:
            findings.append(Finding(
                'look at this', f'differs from the other episodes: {"; ".join(differences[:3])}'
                + (f'; {len(differences) - 3} more' if len(differences) > 3 else ''),
                'Look at it (inril demos show), and delete it if it went wrong', 'differs',
                each.name))
    return findings


def _far(
    values: np.ndarray, others: np.ndarray, labels: list[str], floor: np.ndarray | float,
    unit: str,
) -> list[str]:
    """Return which values (n,) are far from the median of the others (K, n), and beyond them.

    Beyond them by more than their own range: the deviation of few episodes is not known well.
    """
    middle, low, high = np.median(others, axis=0), others.min(0), others.max(0)
    spread = 1.4826 * np.median(np.abs(others - middle), axis=0)
    away = np.abs(values - middle)
    room = high - low + floor
    far = (away > thresholds.OUTLIER * spread) & (away > floor) & (
        (values > high + room) | (values < low - room))
    return [f'{labels[index]} {values[index]:.4g}{unit}, the others {low[index]:.4g}..'
            f'{high[index]:.4g}' for index in np.flatnonzero(far)]


def _beyond(
    lowest: np.ndarray, highest: np.ndarray, low: np.ndarray, high: np.ndarray,
    labels: list[str], floor: np.ndarray,
) -> list[str]:
    """Return which values (n,) leave the range of all others by more than that range."""
    room = high - low + floor
    far = (lowest < low - room) | (highest > high + room)
    return [f'{labels[index]} goes over {lowest[index]:.4g}..{highest[index]:.4g}, the others '
            f'over {low[index]:.4g}..{high[index]:.4g}' for index in np.flatnonzero(far)]
