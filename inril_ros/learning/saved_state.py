# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The state of a session as flat tensors and JSON, and back."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode, Transition

_EPISODE_ARRAYS = ('observations', 'actions', 'rewards', 'images', 'intervened', 'decision_starts',
                   'extras', 'observed')
_ARRAYS = ('observations', 'actions', 'rewards', 'source', 'extras', 'intervened')


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with 'prefix.' before their names."""
    return {f'{prefix}.{name}': tensor for name, tensor in tensors.items()}


def unprefixed(prefix: str, tensors: Mapping[str, Tensor],
               may_lack: bool = False) -> dict[str, Tensor]:
    """Return the tensors whose names begin with 'prefix.', without it; ValueError if none."""
    start = len(prefix) + 1
    found = {name[start:]: tensor for name, tensor in tensors.items()
             if name.startswith(f'{prefix}.')}
    if not found and not may_lack:
        raise ValueError(f'the saved session has no tensors {prefix}.*')
    return found


def required(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """Return one tensor, or raise a ValueError that names it."""
    if name not in tensors:
        raise ValueError(f'the saved session has no tensor {name}')
    return tensors[name]


def check_same(what: str, saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Raise a ValueError that lists the differences between two mappings, if there are any."""
    differing = [f'{key}: saved {saved.get(key)!r}, now {current.get(key)!r}'
                 for key in sorted(set(saved) | set(current))
                 if saved.get(key) != current.get(key)]
    if differing:
        raise ValueError(f'the saved {what} differs: ' + '; '.join(differing))


def check_imitated(counters: Mapping[str, int], intervention_rows: int) -> None:
    """Check that a saved session imitated nothing that a person corrected.

    A former version, which didn't count `rescued`, imitated every window of a rescued episode.

    Raises:
        ValueError: It is of that version and has interventions: it can't be told any more which
            windows were mistakes.
    """
    if 'rescued' not in counters and intervention_rows:
        raise ValueError(
            'the saved session is of a former version, which imitated what the policy did before '
            f'a person corrected it, and it has {intervention_rows} windows of a person: the '
            'mistakes among its windows cannot be told any more. Move the folder of checkpoints '
            'away: the learner then learns again from its journal')


def check_frozen_images(saved: str | None, current: str | None) -> None:
    """Check that what is remembered of images was made by the frozen networks of the session.

    Args:
        saved: Their hash where the session was saved; None: they learned, or it is of a former
            version.
        current: The hash of those of the session.

    Raises:
        ValueError: They differ.
    """
    if saved != current:
        raise ValueError(
            f'the frozen image networks have the hash {current}, and the saved session remembers '
            f'what those with the hash {saved} made of its images'
            + (' (it is of a former version, which remembered pixels)' if saved is None else '')
            + '. Move the folder of checkpoints away: the learner then learns again from its '
              'journal')


def module_tensors(**modules: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of modules as '<name>.<tensor>'."""
    return {name: tensor for prefix, module in modules.items()
            for name, tensor in prefixed(prefix, module.state_dict()).items()}


def load_modules(tensors: Mapping[str, Tensor], **modules: nn.Module) -> None:
    """Load what `module_tensors` returned into modules of the same names."""
    for prefix, module in modules.items():
        module.load_state_dict(unprefixed(prefix, tensors), strict=True)


def array_tensors(prefix: str, arrays: Mapping[str, NDArray]) -> dict[str, Tensor]:
    """Return arrays as tensors '<prefix>.<name>' that share their memory."""
    return {f'{prefix}.{name}': torch.from_numpy(array) for name, array in arrays.items()}


def tensor_arrays(prefix: str, tensors: Mapping[str, Tensor],
                  may_lack: bool = False) -> dict[str, NDArray]:
    """Return what `array_tensors` was given; ValueError if that was nothing."""
    return {name: tensor.numpy()
            for name, tensor in unprefixed(prefix, tensors, may_lack).items()}


def optimiser_tensors(prefix: str, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the state of Adam or AdamW as '<prefix>.<parameter index>.<name>'."""
    state = optimiser.state_dict()['state']
    return {f'{prefix}.{index}.{name}': tensor
            for index, entries in state.items() for name, tensor in entries.items()}


def load_optimiser(prefix: str, optimiser: torch.optim.Optimizer,
                   tensors: Mapping[str, Tensor]) -> None:
    """Load the state that `optimiser_tensors` returned (empty before the first step)."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(f'{prefix}.'):
            index, entry = name[len(prefix) + 1:].split('.')
            state.setdefault(int(index), {})[entry] = tensor.clone()
    optimiser.load_state_dict(
        {'state': state, 'param_groups': optimiser.state_dict()['param_groups']})


def pack_open(episodes: Mapping[str, list[Transition]]) -> tuple[dict[str, Tensor], list[Any]]:
    """Return the transitions of episodes that have not ended, as tensors and as JSON."""
    tensors, document = {}, []
    for transitions in episodes.values():
        for transition in transitions:
            for name in _ARRAYS:
                array = getattr(transition, name).copy()
                tensors[f'open.{len(document)}.{name}'] = torch.from_numpy(array)
            if transition.images is not None:
                tensors[f'open.{len(document)}.images'] = torch.from_numpy(
                    transition.images.copy())
            document.append([transition.episode_id, transition.first_tick])
    return tensors, document


def unpack_open(document: list[Any], tensors: Mapping[str, Tensor]) -> dict[str, list[Transition]]:
    """Return what `pack_open` was given."""
    episodes: dict[str, list[Transition]] = {}
    for index, (episode_id, first_tick) in enumerate(document):
        arrays = {name: required(tensors, f'open.{index}.{name}').numpy() for name in _ARRAYS}
        images = tensors.get(f'open.{index}.images')
        episodes.setdefault(episode_id, []).append(Transition(
            episode_id, first_tick, **arrays, images=None if images is None else images.numpy(),
            terminated=False, truncated=False, success=False))
    return episodes


def pack_episode(episode: Episode | None) -> tuple[dict[str, Tensor], list[bool] | None]:
    """Return an episode as tensors and JSON; no tensors and None if there is none."""
    if episode is None:
        return {}, None
    arrays = {name: getattr(episode, name) for name in _EPISODE_ARRAYS}
    return ({name: torch.from_numpy(array.copy()) for name, array in arrays.items()
             if array is not None}, [episode.terminated, episode.success])


def unpack_episode(tensors: Mapping[str, Tensor], document: list[bool] | None) -> Episode | None:
    """Return what `pack_episode` was given."""
    if document is None:
        return None
    return Episode(**{name: tensor.numpy() for name, tensor in tensors.items()},
                   terminated=document[0], success=document[1])
