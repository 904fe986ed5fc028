# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How a joint follows its commands: with which factor, with them or against them."""

from collections.abc import Iterable

import numpy as np

from inril_ros.data.audit.finding import Finding

#: Correlation above which a factor between commands and motion is known.
CORRELATED = 0.95
#: A motion against the commands has no lag at which it goes with them more than this: a motion to
#: and fro goes with those of half a period before.
AGAINST = 0.6
#: No joint moves this many times farther than it is commanded, or so little: degrees and rad
#: differ by 57, mm and m by 1000. A gripper that holds a thing moves less, but not so much less.
MOST, LEAST = 3.0, 0.02
#: Below it, a gripper that holds a thick thing is as likely as another unit.
LITTLE = 0.15
#: Of the span of the limits that commands must cover: less is not told from noise.
MOVES = 0.1
#: Share of the span by which a joint is beside its commands, and of the time: arms sag by some
#: hundredths, and a gripper that holds something does so for a part of the time.
OFFSET, ALWAYS = 0.1, 0.99


def factor_of(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """Return the factor of a motion to the commands that it follows; None if it isn't clear.

    Args:
        pairs: Commands (T,) and positions (T,) a lag later, for several lags.
    """
    fits = [(_correlation(*pair), pair) for pair in pairs]
    with_it, against = (max(fits, key=lambda fit: sign * fit[0]) for sign in (1.0, -1.0))
    best = with_it if with_it[0] > AGAINST else against
    if abs(best[0]) < CORRELATED:
        return None
    return float(np.polyfit(*best[1], 1)[0])


def factor_finding(factor: float | None, name: str, episode: str = '') -> list[Finding]:
    """Return the finding about a factor that no joint has."""
    if factor is None or LITTLE <= factor <= MOST:
        return []
    advice = ('Commands and measurement of a joint need one unit and one direction: a clone, and '
              'the gate, begin at the measured pose')
    if factor < 0.0:
        return [Finding('wrong', f'{name}: the joint moves against its commands', advice, 'sign',
                        episode, name)]
    size = f'{factor:.3g} times' if factor > 1.0 else f'1/{1.0 / factor:.3g} of'
    return [Finding('wrong' if factor > MOST or factor < LEAST else 'look at this',
                    f'{name}: the joint moves {size} what is commanded: are they in one unit?',
                    advice, 'scale', episode, name)]


def offset_finding(
    command: np.ndarray, measured: np.ndarray, span: float, name: str, episode: str = '',
) -> list[Finding]:
    """Return the finding about a joint that stays beside its commands (T,) all the time.

    A lag doesn't do that, and sag under gravity is smaller: the zeros of leader and follower, or
    of command and sensor, differ.
    """
    beside = np.asarray(command) - measured
    if abs(np.median(beside)) < OFFSET * span or not (
            (beside > 0.0).mean() > ALWAYS or (beside < 0.0).mean() > ALWAYS) \
            or np.ptp(beside) > abs(np.median(beside)):
        return []
    return [Finding('look at this', f'{name}: the joint stays {abs(np.median(beside)):.3g} '
                    f'{"below" if np.median(beside) > 0.0 else "above"} its commands all the '
                    'time', 'Do both count from the same zero (calibration, whole turns)?',
                    'offset', episode, name)]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two series; 0 if one of them is constant."""
    spread = first.std() * second.std()
    if spread < 1e-12:
        return 0.0
    return float(np.mean((first - first.mean()) * (second - second.mean())) / spread)
