# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The episodes in a run's bags, with a label for each new image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inril_ros.cli.reward.judge_folder import JudgeFolder
from inril_ros.data.bags.bags import BagError
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.data.demonstrations.pieces import aligned_piece, Piece, pieces_of
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.learning.judge.frame_labels import (
    corrected,
    Correction,
    DONE,
    LabelledEpisode,
    LabelRule,
    new_images,
)
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.episode import EpisodeOutcome

_JUDGED = {EpisodeOutcome.SUCCESS.value: True, EpisodeOutcome.FAILURE.value: False,
           EpisodeOutcome.TIME_LIMIT.value: False}


@dataclass(frozen=True)
class BagOfEpisode:
    """A labelled episode, and where it comes from.

    Attributes:
        bag: Name of the bag, also of one that was split.
        times: Time of each of its images since the recording began [s].
        episode: Its images and their labels.
    """

    bag: str
    times: np.ndarray
    episode: LabelledEpisode


def bags_of_run(
    run: RunDirectory, folder: JudgeFolder, rule: LabelRule, say: Callable[[str], None],
) -> list[BagOfEpisode]:
    """Return the labelled demonstrations of a run, and attempts of its clone; see below."""
    attempts = [run.clone_attempts] if run.clone_attempts.exists() else []
    return labelled_bags([run.demonstrations, *attempts], load_contract(run.contract), rule,
                         folder.corrections(), say)


def labelled_bags(
    folders: Sequence[Path], contract: Contract, rule: LabelRule,
    corrections: Mapping[str, Sequence[Correction]], say: Callable[[str], None],
) -> list[BagOfEpisode]:
    """Return the episodes of all bags that have an outcome, in the order of their names.

    Args:
        folders: Folders of bags, each with those that were rejected below it.
        contract: The robot's contract; its policy cameras are what is seen.
        rule: How frames are labelled by the end of their episode.
        corrections: What a person said of the frames of an episode, by the name of its bag.
        say: Called with why a bag is left out.

    Raises:
        BagError: There is no such folder.
        ValueError: The contract has no policy cameras, or a correction names no frame.
    """
    if contract.policy_images is None:
        raise ValueError(f'contract {contract.name!r} has no policy_images: a judge sees through '
                         'the cameras that are listed there')
    found = []
    # One that is being recorded, or whose recorder died, has no end yet.
    bags = [bag for folder in folders for bag in list_demonstrations(folder)]
    for path in (bag.path for bag in bags if bag.state != 'unfinished'):
        try:
            pieces = [(piece, aligned_piece(piece, contract)) for piece in pieces_of(path)]
        except BagError as error:
            say(f'left out: {error}')
            continue
        if not pieces:
            say(f'left out: {path.name}: was dropped')
        for piece, aligned in pieces:
            if aligned.outcome not in _JUDGED:
                say(f'left out: {piece.name}: nobody said whether it succeeded')
                continue
            rows = new_images(aligned.images)
            if aligned.observed is not None:
                rows = rows[aligned.observed[rows]]
            times = (piece.first + rows) * contract.period  # of the recording, whatever is cut
            labels = corrected(rule.labels(times, _JUDGED[aligned.outcome]), times,
                               _said(piece, times, corrections))
            found.append(BagOfEpisode(path.name, times, LabelledEpisode(
                piece.name, aligned.images[rows], labels, bool((labels == DONE).any()))))
    return sorted(found, key=lambda each: each.episode.name)


def _said(
    piece: Piece, times: np.ndarray, corrections: Mapping[str, Sequence[Correction]],
) -> list[Correction]:
    """Return what was said of a piece's frames, also before it was cut."""
    said = [each for name in dict.fromkeys((piece.path.name, piece.name))
            for each in corrections.get(name, ())]
    if piece.ticks is None:
        return said
    return [each for each in said if each.first <= times[-1] and each.last >= times[0]]
