# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recorded episodes as the learning code takes them: actions in -1..1, success or not."""

from collections.abc import Callable, Sequence
from pathlib import Path

from inril_ros.data.audit.rest import all_without_rest, rest_rules
from inril_ros.data.audit.rest_rules import ALL_KEPT, RestRules
from inril_ros.data.demonstrations.former_contracts import former_recordings
from inril_ros.data.demonstrations.import_versions import outdated_imports
from inril_ros.data.demonstrations.pieces import edits_told, pieces_to_imitate, read_piece
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.learning.experience import Episode
from inril_ros.learning.policies.artifact import heldout_names, rest_values
from inril_ros.learning.pretrain import heldout_indices
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome

_FORMER_SHARE = 0.2  # of models made before they listed what was held out


def read_demonstrations(
    folder: Path, contract: Contract, warn: Callable[[str], object], rest: RestRules = ALL_KEPT,
) -> dict[str, Episode]:
    """Return the demonstrations of a folder by their names, as edited and without their rest.

    Args:
        folder: Folder of their bags.
        contract: The robot's contract.
        warn: Called with what a person should know about them.
        rest: What is left out at their ends.

    Raises:
        BagError: There are none, or one is unusable.
    """
    for notice in (outdated_imports(folder), former_recordings(folder, contract),
                   edits_told(folder)):
        if notice:
            warn(notice)
    recorded = {piece.name: read_piece(piece, contract) for piece in pieces_to_imitate(folder)}
    accounts = {name: each.account for name, each in recorded.items() if each.account}
    if accounts:
        name = next(iter(accounts))
        warn(f'{folder}: {len(accounts)} of {len(recorded)} demonstrations are learned from in '
             f'part; {name}: {accounts[name]}')
    recorded, left_out = all_without_rest(recorded, contract, rest)
    if left_out:
        name = next(iter(left_out))
        warn(f'{folder}: of {len(left_out)} of {len(recorded)} demonstrations rest is left out, '
             f'as when they were cloned; {name}: {left_out[name]}')
    return {name: learning_episode(each, contract) for name, each in recorded.items()}


def heldout_demonstrations(model: Path, names: Sequence[str]) -> list[int]:
    """Return the indices of the demonstrations that a model was cloned without.

    Args:
        model: Folder of the model.
        names: Names of the demonstrations in their order.

    Raises:
        ValueError: The model is damaged, or demonstrations that it was cloned without are missing.
    """
    heldout = heldout_names(model)
    if heldout is None:
        return list(heldout_indices(len(names), _FORMER_SHARE))
    missing = sorted(set(heldout) - set(names))
    if missing:
        raise ValueError(f'{model} was cloned without the demonstrations {", ".join(missing)}, '
                         'and they are missing: give the folder that it was cloned from. If they '
                         'were dropped, split or labelled since, restore them (inril demos '
                         'restore), or clone again')
    return [index for index, name in enumerate(names) if name in heldout]


def rest_of_model(model: Path) -> RestRules:
    """Return what was left out of the demonstrations when a model was cloned from them.

    Raises:
        ValueError: The model is damaged.
    """
    try:
        return rest_rules(rest_values(model))
    except ValueError as error:
        raise ValueError(f'{model}: {error}') from error


def learning_episode(recorded: RecordedEpisode, contract: Contract) -> Episode:
    """Return a recorded episode as experience of the learner."""
    outcome = EpisodeOutcome(recorded.outcome)
    return Episode(
        observations=recorded.observations,
        actions=contract.normalise_action(recorded.actions),
        rewards=recorded.rewards,
        terminated=outcome in (EpisodeOutcome.SUCCESS, EpisodeOutcome.FAILURE),
        success=outcome is EpisodeOutcome.SUCCESS,
        images=recorded.images,
        observed=recorded.observed)
