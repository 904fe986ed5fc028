# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One finding of an audit, and the verdict on all of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Verdict = Literal['fine', 'not checked', 'look at this', 'wrong']
_ORDER = ('fine', 'not checked', 'look at this', 'wrong')
_MOST_NAMED = 6  # episodes with the same finding


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        verdict: ``wrong``: training on it would be wrong. ``look at this``: it may be as it should
            be, which a person must decide. ``not checked``: the data doesn't decide it.
        what: What was found, where, with the figures.
        advice: What to do.
        kind: Kind of the finding, such as ``units``.
        episode: Name of the episode; empty if it is about all of them.
        joint: The joint or value; empty if it is about none.

    Raises:
        ValueError: It is wrong or to be looked at, and there is no advice.
    """

    verdict: Verdict
    what: str
    advice: str = ''
    kind: str = ''
    episode: str = ''
    joint: str = ''

    def __post_init__(self) -> None:
        if self.verdict in ('wrong', 'look at this') and not self.advice:
            raise ValueError(f'{self.what!r} has no advice')

    def __str__(self) -> str:
        """Return one line: the verdict, what was found, what to do."""
        return ': '.join(filter(None, (self.verdict, self.episode, self.what))) + (
            f'{"" if self.what.endswith("?") else "."} {self.advice}' if self.advice else '')


def summed_up(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding for those of the same kind and joint, the worst first.

    It is the first of them, with the names of all their episodes.
    """
    groups: dict[tuple[str, str, str, int], list[Finding]] = {}
    seen: dict[tuple[str, str, str, str], int] = {}  # two of one episode are not summed up
    for one in findings:
        key = one.verdict, one.kind, one.joint
        number = seen[(*key, one.episode)] = seen.get((*key, one.episode), -1) + 1
        groups.setdefault((*key, number), []).append(one)
    ordered = sorted(groups.items(), key=lambda item: -_ORDER.index(item[0][0]))
    return [_several(group) for _, group in ordered]


def _several(group: list[Finding]) -> Finding:
    first, names = group[0], [one.episode for one in group]
    if len(names) < 2:
        return first
    more = f' and {len(names) - _MOST_NAMED} more' if len(names) > _MOST_NAMED else ''
    others = f'{len(names) - 1} other episode{"s" if len(names) > 2 else ""}'
    return replace(first, what=f'{first.what} (and likewise in {others}: '
                   f'{", ".join(names[1:_MOST_NAMED])}{more})')


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Return the worst verdict; ``fine`` if there is no finding, or nothing but unchecked ones."""
    worst = max((finding.verdict for finding in findings), key=_ORDER.index, default='fine')
    return 'fine' if worst == 'not checked' else worst
