# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of one number of the action in one episode: unit, limits, commands against motion."""

import numpy as np

from inril_ros.data.audit import thresholds
from inril_ros.data.audit.finding import Finding, Verdict
from inril_ros.data.audit.following import factor_finding, factor_of, MOVES, offset_finding
from inril_ros.data.audit.layout import Demonstration, Value
from inril_ros.robot.position_units import is_far_outside, likely_units


def check_value(demonstration: Demonstration, value: Value) -> list[Finding]:
    """Return all findings on one number of the action in one episode."""
    command = demonstration.actions[:, value.index]
    if value.measured is None or not np.isfinite(command).all():
        return []
    measured = demonstration.observations[:, value.measured]
    if not np.isfinite(measured).all():
        return []  # a finding of its own
    check = _ValueCheck(demonstration, value, command, measured)
    findings = check.unit() if value.positions else []
    if findings:
        return findings  # all else would follow from it
    findings += check.factor()
    findings += [*check.cut(), *check.equal()] if value.positions else []
    return [*findings, *check.lag(), *check.frozen(), *check.jumps()]


def lag_of(command: np.ndarray, measured: np.ndarray, value: Value, period: float) -> int | None:
    """Return how many ticks after a command the joint moves; None if the data doesn't tell.

    0 for positions: the command is the pose of its own tick. 1: it is the pose one tick later.

    Args:
        command: (N,) Commands.
        measured: (N + 1,) Positions.
        value: What they are.
        period: [s] One tick.
    """
    if value.quantity == 'effort':
        return None
    if value.positions:  # over three ticks, because differences of one are mostly noise
        wanted, done = command[3:] - command[:-3], measured[3:-1] - measured[:-4]
    else:
        wanted, done = command, np.diff(measured)
    most = min(round(thresholds.LONGEST_LAG / period), len(wanted) // 3)
    if most < 1 or np.ptp(command) < thresholds.REST_SPAN * value.span \
            or np.ptp(measured) < thresholds.REST_SPAN * (value.span if value.positions else 0.0):
        return None
    correlation = _correlations(wanted - wanted.mean(), done - done.mean(), most)
    after, before = correlation[most:], correlation[:most]
    # Motion before its command is against nature: it must be clearly so.
    if before.max() > thresholds.CORRELATED_BEFORE \
            and 1.0 - before.max() < thresholds.REST_BEFORE * (1.0 - after.max()):
        return int(np.argmax(before)) - most
    return int(np.argmax(after)) if after.max() > thresholds.CORRELATED else None


def _correlations(wanted: np.ndarray, done: np.ndarray, most: int) -> np.ndarray:
    """Return the correlations (2 * most + 1,) of two series at lags -most..most."""
    from scipy.signal import correlate

    size = len(wanted)
    lags = np.arange(-most, most + 1)
    products = correlate(done, wanted)[size - 1 - most:size + most]
    ahead, behind = np.maximum(lags, 0), np.maximum(-lags, 0)
    energy = [np.concatenate([[0.0], np.cumsum(series ** 2)]) for series in (wanted, done)]
    of_wanted = energy[0][size - ahead] - energy[0][behind]
    of_done = energy[1][size - behind] - energy[1][ahead]
    return products / np.maximum(np.sqrt(of_wanted * of_done), 1e-12)


class _ValueCheck:
    """The checks of one value; each returns its findings."""

    def __init__(self, demonstration: Demonstration, value: Value, command: np.ndarray,
                 measured: np.ndarray) -> None:
        self._demonstration, self._value = demonstration, value
        self._command, self._measured = command, measured
        self._period = demonstration.period

    def unit(self) -> list[Finding]:
        value, least, most = self._value, self._measured.min(), self._measured.max()
        if not is_far_outside(least, most, value.low, value.high):
            return []
        units = likely_units(least, most, value.low, value.high)
        looks = f'it looks like {" or ".join(units)}' if units else 'it is another unit or joint'
        return [self._found(
            'wrong', 'units', f'measured {least:.4g}..{most:.4g}, limits {value.low:g}..'
            f'{value.high:g}: {looks}', 'Convert it to rad or m before the import, or correct the '
            'contract')]

    def factor(self) -> list[Finding]:
        """Find motions against the commands, or in another unit."""
        value, size = self._value, len(self._command)
        if value.quantity == 'effort' or np.ptp(self._command) < MOVES * value.span:
            return []
        done = self._measured if value.positions else np.diff(self._measured) / self._period
        most = min(round(thresholds.LONGEST_LAG / self._period), size // 3)
        told = factor_finding(
            factor_of((self._command[:size - lag], done[lag:size])
                      for lag in range(most + 1)), value.name, self._demonstration.name)
        if told or not value.positions:
            return told
        return offset_finding(self._command, self._measured[:-1], value.span, value.name,
                              self._demonstration.name)

    def cut(self) -> list[Finding]:
        """Find commands at a limit while the joint is beyond it: what was sent lay beyond too."""
        value, margin = self._value, thresholds.BEYOND_SPAN * self._value.span
        near = thresholds.EQUAL * max(value.span, abs(value.low), abs(value.high))
        cut = ((self._command >= value.high - near) & (self._measured[:-1] > value.high + margin)
               | (self._command <= value.low + near) & (self._measured[:-1] < value.low - margin))
        share = float(cut.mean())
        if not share:
            return []
        return [self._found(
            'wrong' if share > thresholds.CUT_WRONG else 'look at this', 'limits',
            f'{100 * share:.0f} % of the commands were cut to the limits {value.low:g}..'
            f'{value.high:g}; the joint was at {self._measured.min():.4g}..'
            f'{self._measured.max():.4g}', 'Widen minimum and maximum and import again, if the '
            'robot may go there')]

    def equal(self) -> list[Finding]:
        """Find commands that are the measured pose of their own tick."""
        moving = np.abs(np.diff(self._measured)) > thresholds.EQUAL * self._value.span
        if np.ptp(self._measured) < thresholds.REST_SPAN * self._value.span \
                or moving.sum() < thresholds.FEWEST_MOVING:
            return []
        near = thresholds.EQUAL * np.maximum(self._value.span, np.abs(self._command))
        share = float((np.abs(self._command - self._measured[:-1]) <= near)[moving].mean())
        if share < thresholds.EQUAL_LOOK:
            return []
        return [self._found(
            'wrong' if share >= thresholds.EQUAL_WRONG else 'look at this', 'no command',
            f'while it moves, {100 * share:.0f} % of the commands are the measured pose of the '
            'same tick: a clone learns to stand still', 'Find the topic of the commands, or map '
            'the action to the next pose ({next: <observation>}), and import again')]

    def lag(self) -> list[Finding]:
        lag = lag_of(self._command, self._measured, self._value, self._period)
        if lag is None:
            return []
        time = f'{abs(lag)} ticks ({1000 * abs(lag) * self._period:.0f} ms)'
        if lag < 0:
            return [self._found(
                'wrong' if lag <= -thresholds.EARLY_WRONG else 'look at this', 'lag',
                f'the commands come {time} after the motion that they cause',
                'The clocks of commands and joint states differ: set clock or latency of the '
                'observation, and import again')]
        if lag * self._period > thresholds.LATE_LOOK:
            return [self._found(
                'look at this', 'lag', f'the joint follows its commands {time} later',
                'Check the clocks of both, and how the controller smooths')]
        return []

    def frozen(self) -> list[Finding]:
        """Find a measurement that stands still while the command moves."""
        needed = thresholds.FROZEN_COMMAND_SPAN * self._value.span
        if not self._value.positions or np.ptp(self._command) < needed:
            return []
        changes = np.flatnonzero(np.diff(self._measured)) + 1
        if not len(changes):
            return [self._found(
                'wrong', 'frozen', f'the measurement is {self._measured[0]:.4g} in the whole '
                f'episode, the commands go over {self._command.min():.4g}..'
                f'{self._command.max():.4g}', 'Check sensor and driver; delete the episode')]
        edges = [0, *changes, len(self._measured)]
        ticks = round(thresholds.FROZEN_SECONDS / self._period)
        for first, last in zip(edges[:-1], edges[1:]):
            # At first the command may go on of a gripper that holds something; at last the joint
            # has not yet begun to follow.
            part = self._command[first + ticks:last - ticks // 2]
            if last - first > 2 * ticks and np.ptp(part) > needed:
                return [self._found(
                    'look at this', 'frozen', f'the measurement stays exactly the same from '
                    f'{first * self._period:.1f} to {last * self._period:.1f} s, while the '
                    f'command goes over {part.min():.4g}..{part.max():.4g}',
                    'Is something in the way, or did the sensor stop?')]
        return []

    def jumps(self) -> list[Finding]:
        """Find angles that wrap, and motions that no arm makes."""
        steps = {'measurement': np.abs(np.diff(self._measured)),
                 'command': np.abs(np.diff(self._command))}
        wraps = {what: np.flatnonzero(np.abs(of - 2.0 * np.pi) < 0.5)
                 for what, of in steps.items() if self._value.angle}
        wrapping = [what for what, at in wraps.items() if len(at)]
        if wrapping:
            at = f'{wraps[wrapping[0]][0] * self._period:.1f} s'
            both = len(wrapping) == 2  # one value has two names, but both have the same one
            return [self._found(
                'look at this' if both else 'wrong', 'wrap',
                ('measurement and command jump' if both else f'the {wrapping[0]} jumps')
                + f' by 2 pi, first at {at}: an angle that wraps'
                + ('' if both else ', while the other goes on'),
                'Give the policy the cos_sin of the joint (derived)' if both else
                'Give both the same turns before the import')]
        worst = int(np.argmax(steps['measurement']))
        most = steps['measurement'][worst]
        if most / self._period <= max(
                thresholds.FASTEST, thresholds.FASTER_THAN_ALLOWED * self._value.fastest):
            return []
        return [self._found(
            'look at this', 'jump', f'the measurement jumps by {most:.3g} within a tick at '
            f'{worst * self._period:.1f} s', 'Look at the curve: a lost stretch, another joint, a '
            'restart?')]

    def _found(self, verdict: Verdict, kind: str, what: str, advice: str) -> Finding:
        return Finding(verdict, f'{self._value.name}: {what}', advice, kind,
                       self._demonstration.name, self._value.name)
