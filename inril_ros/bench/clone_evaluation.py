# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The evaluation of a cloned policy, done once and shared by all arms that begin with it.

It is kept beside the clone, in a file named by the hash of all that decides it.
"""

from dataclasses import replace
import json
from pathlib import Path

import torch

from inril_ros.bench.clones import Clone
from inril_ros.bench.evaluation import evaluate, Measured
from inril_ros.bench.identity import code_hash, content_hash
from inril_ros.bench.places import only_one
from inril_ros.bench.study import Run
from inril_ros.bench.vectorised import Lanes
from inril_ros.data.record_files import read_record, RecordError, write_whole
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies import artifact
from inril_ros.learning.policies.policy import Policy

_COMPARED = 16  # observations on which two policies decide


def evaluate_beginning(
    run: Run, clone: Clone, policy: Policy, lanes: Lanes, cache: Path,
) -> Measured:
    """Return the evaluation of a policy before its first update.

    Hosts act with policies of their own. One that decides as the clone does has the clone's
    evaluation, whatever else differs between the arms; another has that of its weights.

    Args:
        run: The run.
        clone: Its clone.
        policy: The policy that acts before the first update.
        lanes: Where episodes are played, if nobody has played them yet.
        cache: Folder of the clones.
    """
    who = 'clone' if decides_alike(policy, clone) else artifact.content_hash(
        artifact.to_bytes(policy.state_dict()))
    task = replace(run.task, name=None)
    key = content_hash({
        'clone': clone.key, 'policy': who, 'task': task.document, 'lanes': len(lanes),
        'episodes': run.evaluation.episodes, 'states': run.evaluation.states,
        'code': code_hash()})
    path = cache / f'{clone.key[:24]}.evaluation-{key[:24]}.json'
    with only_one(path.with_suffix('.lock'), wait=True):
        try:
            return Measured(**read_record(path))
        except (RecordError, TypeError):  # none yet, or damaged
            measured = evaluate(lanes, policy, run.evaluation)
            write_whole(path, json.dumps(measured._asdict()))
            return measured


def decides_alike(policy: Policy, clone: Clone) -> bool:
    """Return whether a policy decides, bit for bit, as the clone does.

    Asked are two decisions in a row, on observations of a demonstration, with the same random
    numbers: so a policy that draws further ones is told apart, too.
    """
    first = clone.demonstrations[0]
    images = None
    if clone.policy.config.image_shape is not None and first.images is not None:
        images = first.images[:_COMPARED]
    observations = Observations.from_arrays(first.observations[:_COMPARED], images, 'cpu')
    decisions = []
    for each in (policy, clone.policy):
        memory, generator = each.begin(len(observations)), torch.Generator().manual_seed(0)
        with torch.inference_mode():
            decisions.append([each.decide(observations, memory, generator, False).actions
                              for _ in range(2)])
    return all(map(torch.equal, *decisions))
