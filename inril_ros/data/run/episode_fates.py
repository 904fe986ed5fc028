# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What became of the episodes of a run: how much is learned from, what isn't, and what to change.

An aborted episode is never learned from and says nothing about the recording: it is counted apart.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
import re
from typing import Any

from inril_ros.data.frames.tick_account import ticks_lost

FATES = ('kept', 'in part', 'discarded', 'aborted')
_MOST_LOST = 0.5  # of the ticks of a run; beyond it the run says what to change

_LATE = ('samples of {topic} are older than the contract allows. Raise their max_age if '
         'the sample before serves as well, raise the rate of its driver, or take load off this '
         'computer (other processes, the rate of updates, realtime_priority)')
_ADVICE = (
    (' allowed', _LATE),
    ('no sample', 'a stream does not send. Look at its driver; inril doctor shows the rates'),
    ('no usable message', 'a stream does not send what the contract says; inril doctor shows it'),
    ('never came', 'messages between the nodes were lost. Take load off this computer (other '
                   'processes, the rate of updates), or run all nodes on one machine'),
    ('journaled:', 'the journal could not be written. Make room on its disk'),
)


def fate_of(result: Any) -> dict[str, Any]:
    """Return what ``episodes.jsonl`` says about the fate of an EpisodeResult."""
    account = result.account
    lost = ticks_lost(account) if result.saved else result.ticks
    return {'fate': result.fate, 'ticks_lost': min(lost, result.ticks),
            'reason': account if result.saved else result.reason}


class EpisodeFates:
    """The fates of the episodes of a run.

    Args:
        rows: Rows of ``episodes.jsonl``; older ones say only whether they were saved.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self._fates: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()  # ticks lost, by the reason
        self._ticks = self._lost = 0
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, Any]) -> str:
        """Add an episode; return what a person should know about it, or nothing.

        Each discarded episode is told, of those that are kept in part the first, second, fourth
        and so on.
        """
        aborted = row['outcome'] == 'aborted'
        fate = row.get('fate') or (
            'aborted' if aborted else 'kept' if row.get('saved', True) else 'discarded')
        self._fates[fate] += 1
        if fate == 'aborted':
            return ''
        reason, number = row.get('reason', ''), self._fates[fate]
        lost = row.get('ticks_lost', row['ticks'] if fate == 'discarded' else 0)
        self._ticks, self._lost = self._ticks + row['ticks'], self._lost + lost
        if lost:
            self._reasons[reason] += lost
        if fate == 'discarded':
            return f'episode {row["index"]} discarded: {reason}'
        if fate == 'in part' and number & (number - 1) == 0:
            return f'episode {row["index"]} kept in part: {reason}'
        return ''

    @property
    def facts(self) -> dict[str, int]:
        """How many were kept, kept in part and discarded; empty while all are kept."""
        if not self._fates['in part'] and not self._fates['discarded']:
            return {}
        return {name.replace(' ', '_'): self._fates[name] for name in FATES[:3]}

    def to_json(self) -> dict[str, int]:
        """Return the numbers of episodes by their fate, and of ticks."""
        return {**{name.replace(' ', '_'): self._fates[name] for name in FATES},
                'ticks': self._ticks, 'ticks_lost': self._lost}

    def __str__(self) -> str:
        """Return the account in a sentence; empty if all episodes were kept whole."""
        if not self.facts:
            return ''
        whole, part, discarded = (self._fates[name] for name in FATES[:3])
        common = self._reasons.most_common(1)
        return (f'{whole} were kept, {part} in part, {discarded} discarded: {self._lost} '
                f'of {self._ticks} ticks are not learned from, mostly because: '
                f'{common[0][0] if common else "no reason was given"}')

    @property
    def summary(self) -> list[str]:
        """What a person should know when the run is over, as sentences."""
        account = str(self)
        return [*([f'Of the episodes {account}'] if account else []),
                *([self.advice] if self.advice else [])]

    @property
    def advice(self) -> str:
        """What to change if most of the run can't be learned from; empty if most can."""
        if self._lost <= _MOST_LOST * self._ticks or not self._reasons:
            return ''
        kinds: Counter[tuple[str, str]] = Counter()
        for reason, lost in self._reasons.items():
            for words, advice in _ADVICE:
                if words in reason:
                    kinds[advice, _topic(reason)] += lost
                    break
        if not kinds:
            return 'Most of the run is not learned from: see the log of recorder_node'
        advice, topic = kinds.most_common(1)[0][0]
        return f'Most of the run is not learned from: {advice.format(topic=topic)}'


def _topic(reason: str) -> str:
    """Return the topic that a reason is about."""
    about = reason.partition(' (')[2] or reason
    return re.sub(r'^\d+ times ', '', about).partition(':')[0]
