# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations and the policy cloned from them, made once and shared by all arms.

Arms then differ only in the fine-tuning. A clone is kept in a folder named by the hash of all its
inputs; if two processes need it, one makes it and the other waits.
"""

from dataclasses import asdict, dataclass
import json
from pathlib import Path
import shutil

import numpy as np
import torch
from torch import Tensor

from inril_ros.bench.demonstrations import demonstrate, used_bags
from inril_ros.bench.identity import clone_code_hash, content_hash
from inril_ros.bench.places import only_one
from inril_ros.bench.robots import Bench
from inril_ros.bench.study import Run
from inril_ros.learning.experience import Episode
from inril_ros.learning.policies.artifact import build_policy, read_folder, write_folder
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import pretrain
from inril_ros.sim.seeds import derived_seed

_ARRAYS = ('observations', 'actions', 'rewards', 'images', 'observed')


@dataclass(frozen=True)
class Clone:
    """The common start of all arms, for one task and seed.

    Attributes:
        key: SHA-256 of its inputs.
        policy: The cloned policy.
        demonstrations: The episodes that it was cloned from.
        facts: Losses, and the number of demonstrated steps.
        heldout: Indices of the demonstrations that nothing learns from.
    """

    key: str
    policy: Policy
    demonstrations: list[Episode]
    facts: dict[str, float | None]
    heldout: tuple[int, ...]


def clone_of(run: Run, bench: Bench, cache: Path) -> Clone:
    """Return the clone of a run; make it if the cache doesn't have it.

    Raises:
        StudyError, MappingError: The demonstrations can't be made.
    """
    contract = bench.contract
    model = run.arm.model_config(
        contract.observation_size, contract.action_size, contract.image_shape)
    key = content_hash({
        'task': {**run.task.document, 'shift': None, 'name': None}, 'contract': contract.hash,
        'pretrain': asdict(run.arm.pretrain_config), 'model': asdict(model), 'seed': run.seed,
        'time_limit': bench.time_limit, 'code': clone_code_hash(),
        **used_bags(run.task)})
    folder = cache / key[:24]
    with only_one(folder.with_suffix('.lock'), wait=True):
        if folder.exists():
            try:
                return _read(folder, key)
            except ValueError:  # damaged
                shutil.rmtree(folder)
        demonstrations = demonstrate(run.task, bench, run.seed)
        result = pretrain(demonstrations, model, run.arm.pretrain_config,
                          derived_seed(run.seed, 'pretrain'))
        clone = Clone(key, result.policy, demonstrations, {
            'training_loss': result.training_loss, 'heldout_loss': result.heldout_loss,
            'demonstration_steps': float(sum(each.steps for each in demonstrations))},
            result.heldout)
        _write(folder, clone)
    return clone


def _write(folder: Path, clone: Clone) -> None:
    tensors: dict[str, Tensor] = {
        f'policy.{name}': tensor for name, tensor in clone.policy.state_dict().items()}
    for index, episode in enumerate(clone.demonstrations):
        for name in _ARRAYS:
            array = getattr(episode, name)
            if array is not None:
                tensors[f'episode.{index}.{name}'] = torch.from_numpy(array.copy())
    write_folder(folder, tensors, {
        'key': clone.key, 'facts': clone.facts, 'heldout': clone.heldout,
        'model_config': json.loads(clone.policy.config.to_json()),
        'episodes': [[episode.terminated, episode.success] for episode in clone.demonstrations]})


def _read(folder: Path, key: str) -> Clone:
    tensors, document = read_folder(folder)
    if document['key'] != key:
        raise ValueError(f'{folder} belongs to another clone')
    start = len('policy.')
    policy = build_policy(json.dumps(document['model_config']), {
        name[start:]: tensor for name, tensor in tensors.items() if name.startswith('policy.')})

    def arrays(index: int) -> dict[str, np.ndarray]:
        keys = {name: f'episode.{index}.{name}' for name in _ARRAYS}
        return {name: tensors[key].numpy() for name, key in keys.items() if key in tensors}

    return Clone(key, policy, [
        Episode(**arrays(index), terminated=terminated, success=success)
        for index, (terminated, success) in enumerate(document['episodes'])], document['facts'],
        tuple(document['heldout']))
