# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The demonstrations of a folder as people left them: what all that use demonstrations read.

A bag is one piece, none if it was dropped, or two if it was split. Nothing else reads episodes of
demonstrations past their edits (``test/data/demonstrations/test_edits_are_honoured.py``).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from inril_ros.data.bags.bags import BagError, find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.demonstrations.edit_file import EditError, read_edits, refuse_orphans, SUFFIX
from inril_ros.data.demonstrations.edit_log import Edits, Outcome
from inril_ros.data.frames.episode import part_of, RecordedEpisode
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome

_OUTCOMES = {'success': EpisodeOutcome.SUCCESS, 'failure': EpisodeOutcome.FAILURE}


@dataclass(frozen=True)
class Piece:
    """A bag, or the part of it that is used.

    Attributes:
        name: Name of the bag; with ``.1`` or ``.2`` for the parts of one that was split.
        path: The bag.
        first: Its first tick.
        until: The tick after its last one; None: the end.
        ticks: Ticks of the episode when it was cut; None: it was not.
        outcome: Its outcome; None: the recorded one.
    """

    name: str
    path: Path
    first: int = 0
    until: int | None = None
    ticks: int | None = None
    outcome: Outcome | None = None

    def of(self, episode: RecordedEpisode) -> RecordedEpisode:
        """Return the part of the bag's episode, with the outcome that a person gave it.

        The last reward of what is left is the last one of the recording, or 1 or 0 by the outcome
        if that is another than the recorded one.

        Raises:
            EditError: The episode has another length than when it was cut.
        """
        number = len(episode.actions)
        if self.ticks not in (None, number):
            raise EditError(f'{self.path}: has {number} ticks as it is read now, and had '
                            f'{self.ticks} when it was cut: inril demos restore it, and cut it '
                            'again')
        if self.ticks is not None:
            until = number if self.until is None else self.until
            episode = part_of(episode, self.first, until)
        if self.name != self.path.name:
            identity = str(uuid5(NAMESPACE_URL, f'{episode.episode_id} {self.name[-1]}'))
            episode = replace(episode, episode_id=identity)
        outcome = _OUTCOMES[self.outcome] if self.outcome else None
        if outcome is None or outcome.value == episode.outcome:
            return episode
        rewards = np.array(episode.rewards)
        rewards[-1] = outcome is EpisodeOutcome.SUCCESS
        return replace(episode, rewards=rewards, outcome=outcome.value)


def pieces_of(bag: Path) -> list[Piece]:
    """Return what is used of a bag: nothing, one piece or two.

    Raises:
        EditError: Its edits can't be read, or are of another bag.
    """
    edits = read_edits(bag)
    if edits.drop:
        return []
    first, until, ticks = 0, None, None
    if edits.trim:
        first, until, ticks = edits.trim.begin, edits.trim.ticks - edits.trim.end, edits.trim.ticks
    if edits.split:
        at, ticks = edits.split.at, edits.split.ticks
        return [Piece(f'{bag.name}.1', bag, first, at, ticks, edits.split.outcome),
                Piece(f'{bag.name}.2', bag, at, until, ticks, edits.split.second)]
    return [Piece(bag.name, bag, first, until, ticks,
                  edits.label.outcome if edits.label else None)]


def find_pieces(folder: Path) -> list[Piece]:
    """Return the demonstrations of a folder in the order of their names, without dropped ones.

    Raises:
        BagError: The folder doesn't exist or holds none, or edits can't be applied.
    """
    refuse_orphans(folder)
    bags = find_bags(folder)
    pieces = [piece for bag in bags for piece in pieces_of(bag)]
    if not pieces:
        raise BagError(f'{folder}: all {len(bags)} demonstrations were dropped; inril demos '
                       'restore takes them back')
    return pieces


def pieces_to_imitate(folder: Path) -> list[Piece]:
    """Return the demonstrations that are learned from: without those that were labelled failures.

    Raises:
        BagError: As for ``find_pieces``, or all were labelled failures.
    """
    pieces = find_pieces(folder)
    shown = [piece for piece in pieces if piece.outcome != 'failure']
    if not shown:
        raise BagError(f'{folder}: all {len(pieces)} demonstrations were labelled failures, and '
                       'none is left to imitate; inril demos restore takes labels back')
    return shown


def aligned_piece(piece: Piece, contract: Contract) -> RecordedEpisode:
    """Return the episode of a piece; its arrays are views of those that are kept of the bag.

    So an edit needs no decoding, and what is kept is never out of date.

    Raises:
        BagError: The bag can't be read, or its edits don't fit it.
    """
    return piece.of(aligned_episode(piece.path, contract))


def read_piece(
    piece: Piece, contract: Contract, quantities: tuple[str, ...] = (),
) -> RecordedEpisode:
    """Return the episode of a piece, read from its bag; ``quantities`` as for ``read_episode``.

    Raises:
        BagError: The bag can't be read, or its edits don't fit it.
    """
    return piece.of(read_episode(piece.path, contract, quantities))


def edits_in(folder: Path) -> dict[str, Edits]:
    """Return the edits of each bag of a folder by its name, also of those without any.

    Raises:
        BagError: Edits can't be read, or the folder holds no bag.
    """
    return {bag.name: read_edits(bag) for bag in find_bags(folder)}


def edits_told(folder: Path) -> str:
    """Return what was edited in a folder and what follows, for a person; empty if nothing was.

    Raises:
        BagError: Edits can't be read.
    """
    if not any(folder.glob(f'*{SUFFIX}')):
        return ''
    all_edits = edits_in(folder)
    failures = [piece.name for bag in all_edits for piece in pieces_of(folder / bag)
                if piece.outcome == 'failure']
    told = [f'{len(names)} {what} ({_few(names)})' for what, names in (
        ('dropped', [name for name, each in all_edits.items() if each.drop]),
        ('labelled a failure and not imitated', failures),
        ('trimmed', [name for name, each in all_edits.items() if each.trim and not each.drop]),
        ('split', [name for name, each in all_edits.items() if each.split and not each.drop]))
        if names]
    return f'{folder}: of {len(all_edits)} demonstrations {", ".join(told)}' if told else ''


def _few(names: list[str]) -> str:
    return ', '.join(names[:3]) + (', ...' if len(names) > 3 else '')
