# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of one episode as a whole: numbers, streams, quaternions, rests, outcome."""

import numpy as np

from inril_ros.data.audit import thresholds
from inril_ros.data.audit.finding import Finding
from inril_ros.data.audit.layout import Demonstration
from inril_ros.robot.episode import EpisodeOutcome


def check_episode(demonstration: Demonstration) -> list[Finding]:
    """Return the findings on one episode that are about no single number of the action."""
    broken = _not_finite(demonstration)
    if broken:
        return broken
    return [*_short(demonstration), *_unseen(demonstration), *_outcome(demonstration),
            *_rest(demonstration), *_flips(demonstration), *_slow(demonstration),
            *_twins(demonstration)]


def _not_finite(demonstration: Demonstration) -> list[Finding]:
    columns = demonstration.layout.observed
    wrong = [columns[index] for index in np.flatnonzero(
        ~np.isfinite(demonstration.observations).all(axis=0))]
    wrong += [demonstration.layout.values[index].name for index in np.flatnonzero(
        ~np.isfinite(demonstration.actions).all(axis=0))]
    return [Finding('wrong', f'{name}: has values that are not finite', 'Delete the episode',
                    'not finite', demonstration.name, name) for name in wrong]


def _short(demonstration: Demonstration) -> list[Finding]:
    ticks = len(demonstration.actions)
    if ticks >= thresholds.SHORTEST:
        return []
    return [Finding('look at this', f'has {ticks} ticks', 'Delete it, if nothing was shown',
                    'short', demonstration.name)]


def _unseen(demonstration: Demonstration) -> list[Finding]:
    account = demonstration.episode.account
    if not account:
        return []
    return [Finding('look at this', f'of {len(demonstration.actions)} ticks: {account}; a clone '
                    'learns from the others', 'Raise the rate of the driver, or the age that the '
                    'contract allows, or record on a computer with less load', 'unseen',
                    demonstration.name)]


def _outcome(demonstration: Demonstration) -> list[Finding]:
    outcome = EpisodeOutcome(demonstration.episode.outcome)
    if outcome is EpisodeOutcome.SUCCESS:
        return []
    return [Finding('look at this', f'its outcome is {outcome.name.lower()}, and it would be '
                    'cloned like a success', 'Delete it, if it shows what should not be done',
                    'outcome', demonstration.name)]


def _rest(demonstration: Demonstration) -> list[Finding]:
    """Find episodes of which the person commanded little, or late."""
    findings, actions = [], demonstration.actions
    held = float((np.asarray(demonstration.episode.source) == 0).mean())
    if held > thresholds.HELD_LOOK:
        findings.append(Finding(
            'look at this', f'{100 * held:.0f} % of the ticks are holds: the person did not '
            'command them', 'Look at the reasons in /executed_action', 'held',
            demonstration.name))
    spans = np.array([value.span for value in demonstration.layout.values])
    moves = np.flatnonzero((np.abs(actions - actions[0]) > thresholds.REST_SPAN * spans).any(1))
    still = int(moves[0]) if len(moves) else len(actions)
    if not len(moves) and len(actions) >= thresholds.SHORTEST:
        findings.append(Finding(
            'look at this', 'nothing is commanded in the whole episode: a clone learns to rest',
            'Delete it, if something was to be shown', 'still', demonstration.name))
    elif still * demonstration.period > thresholds.STILL_SECONDS \
            and still > thresholds.STILL_SHARE * len(actions):
        findings.append(Finding(
            'look at this', f'nothing is commanded in the first {still * demonstration.period:.1f}'
            ' s', 'A clone may learn not to begin: --rest leaves it out', 'still',
            demonstration.name))
    return findings


def _flips(demonstration: Demonstration) -> list[Finding]:
    """Find quaternions that change their sign from tick to tick."""
    findings = []
    for name, place in demonstration.layout.quaternions.items():
        values = demonstration.observations[:, place]
        flips = np.flatnonzero((values[1:] * values[:-1]).sum(axis=1) < 0.0)
        if len(flips):
            findings.append(Finding(
                'wrong', f'{name}: the quaternion changes its sign {len(flips)} times, first at '
                f'{(flips[0] + 1) * demonstration.period:.1f} s, although the orientation does '
                'not jump', 'Give the policy rotation_6d (derived)', 'flip', demonstration.name,
                name))
    return findings


def _slow(demonstration: Demonstration) -> list[Finding]:
    """Find quantities that get new values more seldom than there are ticks."""
    findings = []
    for name, place in demonstration.layout.quantities.items():
        changed = np.diff(demonstration.observations[:, place], axis=0).any(axis=1)
        changes = np.flatnonzero(changed)
        if len(changes) < thresholds.FEWEST_CHANGES:
            continue
        typical = float(np.median(np.diff(changes)))
        if typical >= thresholds.SLOW_TICKS:
            rate = 1.0 / (typical * demonstration.period)
            findings.append(Finding(
                'look at this', f'{name}: a new value comes only every {typical:.0f} ticks '
                f'({rate:.2g} Hz)', 'Raise the rate of its topic, or lower control_rate',
                'slow', demonstration.name, name))
    return findings


def _twins(demonstration: Demonstration) -> list[Finding]:
    """Find two joints on different topics with exactly the same motion."""
    layout = demonstration.layout
    moving = [index for index in layout.angles if np.ptp(demonstration.observations[:, index]) > 0]
    topics = {index: layout.contract.observations[name].topic
              for name, place in layout.quantities.items() if name in layout.contract.observations
              for index in range(place.start, place.stop)}
    findings, first = [], {}
    for index in moving:
        key = demonstration.observations[:, index].tobytes()
        other = first.setdefault(key, index)
        if topics[other] != topics[index]:
            findings.append(Finding(
                'look at this', f'{layout.observed[index]} has exactly the values of '
                f'{layout.observed[other]}, which is on another topic',
                'Does one driver publish the joints of both?', 'same values',
                demonstration.name, layout.observed[index]))
    return findings
