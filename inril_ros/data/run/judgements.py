# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which version of a run is kept, by lower bounds of success in blocks of evaluation.

A block is some episodes of one version, without exploration. Each episode is a row of
``finetune/judgements.jsonl``; a block whose rows are not complete, because it was interrupted,
judges nothing. Aborted episodes are rows too; they are done again, and count for nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inril_ros.data.run.estimates import Estimate, success_rate, whole_percent


@dataclass(frozen=True)
class Judged:
    """A version with what its blocks of evaluation showed.

    Attributes:
        version: Its number; 0: the clone.
        learner_step: RL updates that led to it.
        content_hash: SHA-256 of its weights, by which it is known.
        folder: Name of its model's folder in ``finetune/versions``.
        env_steps: Environment steps of learning when it was judged first.
        successes: Successful episodes, of all its blocks.
        episodes: Episodes of all its blocks.
    """

    version: int
    learner_step: int
    content_hash: str
    folder: str
    env_steps: int
    successes: int
    episodes: int

    @property
    def rate(self) -> Estimate:
        """Its success with Wilson's 95 % interval."""
        return success_rate(self.successes, self.episodes)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f'version {self.version}' if self.version else 'the clone (version 0)'

    @property
    def in_words(self) -> str:
        """Its success in words: ``8 of 10 = 80 % [49, 94]``."""
        value, low, high = map(whole_percent, (self.rate.value, self.rate.low, self.rate.high))
        return f'{self.successes} of {self.episodes} = {value} % [{low}, {high}]'


def complete_blocks(rows: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the rows of each complete block, in their order.

    Args:
        rows: Episodes of evaluation: ``episode`` counts within a block of ``of`` episodes.
    """
    blocks: list[list[Mapping[str, Any]]] = []
    block: list[Mapping[str, Any]] = []
    for row in rows:
        if row.get('outcome') == 'aborted':
            continue
        if row['episode'] == 0:
            block = []
        if row['episode'] != len(block) or block and row['content_hash'] != block[0][
                'content_hash']:
            block = []  # its beginning is missing, or another version acted
            continue
        block.append(row)
        if len(block) == row['of']:
            blocks.append(block)
            block = []
    return blocks


def judged_versions(rows: Iterable[Mapping[str, Any]]) -> list[Judged]:
    """Return the judged versions in the order in which they were judged first.

    Blocks of one version, as of a pinned one, count together.
    """
    found: dict[str, Judged] = {}
    for block in complete_blocks(rows):
        successes, first = sum(bool(row['success']) for row in block), block[0]
        known = found.get(first['content_hash']) or Judged(
            first['version'], first['learner_step'], first['content_hash'], first['folder'],
            first['env_steps'], 0, 0)
        found[known.content_hash] = replace(
            known, successes=known.successes + successes, episodes=known.episodes + len(block))
    return list(found.values())


def best_version(judged: Sequence[Judged]) -> Judged:
    """Return the version to keep: the newest, unless an older one was shown to be better.

    That is one whose lower bound is above the newest's rate: of those the one with the highest
    bound, of equal ones the newer. A higher bound alone shows nothing: of some short blocks the
    best is often one that was lucky (``benchmarks/best_version.py``).

    Raises:
        ValueError: No version was judged.
    """
    if not judged:
        raise ValueError('no version was judged')
    newest = judged[-1]
    # With the place: the later one of equal bounds.
    best = max(enumerate(judged), key=lambda item: (item[1].rate.low, item[0]))[1]
    return best if best.rate.low > newest.rate.value else newest


def choice_in_words(judged: Sequence[Judged]) -> str:
    """Return which version is the best and why, in one sentence."""
    best, newest = best_version(judged), judged[-1]
    text = f'{best.name}, after {best.env_steps} steps: {best.in_words}'
    if best != newest:
        return (f'{text}; its lower bound is the highest of {len(judged)} versions, and above the '
                f'rate of the newest, {newest.name}: {newest.in_words}')
    if len(judged) == 1:
        return f'{text}; no other was judged'
    return (f'{text}; it is the newest, and none of {len(judged) - 1} before it has a lower bound '
            'above its rate')
