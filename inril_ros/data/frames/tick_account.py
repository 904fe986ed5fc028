# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which ticks of an episode can't be learned from in full, and why."""

from dataclasses import dataclass, replace
import re


@dataclass(frozen=True)
class _Cause:
    """Ticks with the same cause.

    Attributes:
        ticks: Their number.
        reason: The reason of the first of them.
    """

    ticks: int
    reason: str


class TickAccount:
    """The account of an episode's ticks.

    *Unseen* are ticks without a valid observation within what is kept: their actions and rewards
    are known. *Left out* are ticks of which nothing is kept: the episode is cut there.
    """

    def __init__(self) -> None:
        self._unseen: dict[str, _Cause] = {}
        self._left_out: dict[str, _Cause] = {}

    def add_unseen(self, reason: str) -> None:
        """Add a tick without a valid observation."""
        _count(self._unseen, 1, reason)

    def leave_out(self, ticks: int, reason: str) -> None:
        """Add ticks of which nothing is kept."""
        if ticks:
            _count(self._left_out, ticks, reason)

    @property
    def unseen(self) -> int:
        """Return the number of ticks without a valid observation."""
        return sum(cause.ticks for cause in self._unseen.values())

    @property
    def left_out(self) -> int:
        """Return the number of ticks of which nothing is kept."""
        return sum(cause.ticks for cause in self._left_out.values())

    def of(self, ticks: int) -> str:
        """Return the account of so many ticks in words; empty if there is nothing to tell."""
        return f'of {ticks} ticks: {self}' if self._unseen or self._left_out else ''

    def __str__(self) -> str:
        """Return the account in words; empty if every tick is kept with its observation."""
        parts = []
        if self._unseen:
            parts.append(f'{_ticks(self.unseen)} without a valid observation '
                         f'({_reasons(self._unseen)})')
        if self._left_out:
            parts.append(f'{_ticks(self.left_out)} left out ({_reasons(self._left_out)})')
        return '; '.join(parts)


def _count(causes: dict[str, _Cause], ticks: int, reason: str) -> None:
    """Count ticks by the topic, or whatever their reason begins with."""
    key = reason.partition(':')[0]
    cause = causes.get(key, _Cause(0, reason))
    causes[key] = replace(cause, ticks=cause.ticks + ticks)


def _reasons(causes: dict[str, _Cause]) -> str:
    ordered = sorted(causes.values(), key=lambda cause: -cause.ticks)
    if len(ordered) == 1:
        return ordered[0].reason
    return ', '.join(f'{cause.ticks} times {cause.reason}' for cause in ordered)


def _ticks(number: int) -> str:
    return '1 tick' if number == 1 else f'{number} ticks'


_PARTLY = re.compile(r'(?:^|; )(of \d+ ticks: .*)$', re.DOTALL)
_NUMBERS = re.compile(r'(\d+) ticks? (?:without a valid observation|left out)')


def in_verdict(record: str, account: str) -> str:
    """Return the reason of a verdict: where the record is, and the account of its ticks."""
    return f'{record}; {account}' if account else record


def account_in(reason: str) -> str:
    """Return the account in the reason of a verdict; empty if there is none."""
    found = _PARTLY.search(reason)
    return found[1] if found else ''


def ticks_lost(account: str) -> int:
    """Return the number of ticks that an account says are marked or left out."""
    return sum(map(int, _NUMBERS.findall(account)))
