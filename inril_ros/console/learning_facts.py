# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How a fine-tuning goes, counted from the episodes that its run notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inril_ros.data.run.run_record import was_success, WINDOW

_POINTS = 200  # of the curve


@dataclass(frozen=True)
class LearningFacts:
    """What the last episodes show; aborted ones say nothing about the policy and are left out.

    Attributes:
        numbers: Label and value of each number.
        alone: Environment steps, and the share of successes without a person in the last
            WINDOW episodes until then.
        helped: The same with those that a person rescued.
    """

    numbers: tuple[tuple[str, str], ...] = ()
    alone: tuple[tuple[int, float], ...] = ()
    helped: tuple[tuple[int, float], ...] = ()


def learning_facts(rows: Sequence[Mapping[str, Any]], told: Mapping[str, str]) -> LearningFacts:
    """Return what the rows of ``finetune/episodes.jsonl`` show.

    Args:
        rows: The rows, oldest first.
        told: Values of the conductor's last status.
    """
    judged = [row for row in rows if row['outcome'] != 'aborted']
    if not judged:
        return LearningFacts()
    last = judged[-WINDOW:]
    ticks = sum(row['ticks'] for row in last)
    numbers = [
        (f'success of the last {len(last)}: alone, with a person',
         f'{_share(last, True):.0%}, {_share(last, False):.0%}'),
        ('ticks by a person in these',
         f'{sum(row.get("person_ticks", 0) for row in last) / max(1, ticks):.0%}')]
    seconds, steps = (last[-1][name] - last[0][name] for name in ('time', 'env_steps'))
    if seconds > 0:
        numbers.append(('episodes per hour', f'{(len(last) - 1) / seconds * 3600:.0f}'))
        left = _steps_left(told)
        if left and steps > 0:
            numbers.append(('time left, episodes left',
                            f'{left * seconds / steps / 60:.0f} min, '
                            f'{left * (len(last) - 1) / steps:.0f}'))
    stride = max(1, len(judged) // _POINTS)
    ends = range(len(judged), WINDOW - 1, -stride)[::-1]
    return LearningFacts(tuple(numbers), *(
        tuple((judged[end - 1]['env_steps'], _share(judged[end - WINDOW:end], alone))
              for end in ends) for alone in (True, False)))


def _share(rows: Sequence[Mapping[str, Any]], alone: bool) -> float:
    """Return the share of successes: of all, or of those without a person."""
    return sum(was_success(row) if alone else row['outcome'] == 'success'
               for row in rows) / len(rows)


def _steps_left(told: Mapping[str, str]) -> int:
    if told.get('unit') != 'steps':
        return 0
    try:
        return max(0, int(told['total']) - int(told['done']))
    except (KeyError, ValueError):
        return 0
