# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage: clone the behaviour in the recorded bags."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
import time
from typing import Any

from inril_ros.cli.run.reference_views import make_views
from inril_ros.cli.stages.job import Job
from inril_ros.data.audit.audit import audit
from inril_ros.data.audit.finding import summed_up
from inril_ros.data.audit.rest import all_without_rest, LeftOut
from inril_ros.data.audit.rest_rules import RestRules
from inril_ros.data.demonstrations.former_contracts import former_recordings
from inril_ros.data.demonstrations.import_versions import outdated_imports
from inril_ros.data.demonstrations.pieces import (
    aligned_piece,
    edits_in,
    edits_told,
    pieces_to_imitate,
)
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.record_files import write_json
from inril_ros.data.run.settings import UsageError

_CURVE_POINTS = 200
_MOST_TOLD = 20  # demonstrations


def _audited(job: Job, recorded: dict[str, RecordedEpisode]) -> str:
    """Return the verdict of the audit of the demonstrations; report what it found.

    Raises:
        AuditError: Training on them would be wrong, and the options don't allow it.
    """
    result = audit(recorded, job.contract)
    if not job.options.despite_findings:
        result.refuse_wrong(job.run.demonstrations)
    for finding in summed_up(result.findings):
        if finding.verdict in ('wrong', 'look at this'):
            job.reporter.say(str(finding))
    return result.verdict


def _told(left_out: Mapping[str, LeftOut]) -> Iterator[str]:
    """Yield a line for each demonstration whose rest was left out, for many the first ones."""
    for name, each in [*left_out.items()][:_MOST_TOLD]:
        yield f'{name}: {each}'
    if len(left_out) > _MOST_TOLD:
        yield (f'and of {len(left_out) - _MOST_TOLD} more demonstrations: rest_left_out in '
               'pretrain.json')


def _edits(job: Job) -> dict[str, list[dict[str, Any]]]:
    """Return what was done to the demonstrations after they were recorded, by bag."""
    return {name: [each.to_json() for each in edits.counting]
            for name, edits in edits_in(job.run.demonstrations).items() if edits.counting}


def check_images(job: Job) -> None:
    """Check that there are image networks if something is said about them.

    Raises:
        UsageError: There are none.
    """
    said = sorted(name for name in job.options.model if name.startswith('image_'))
    if said and job.contract.image_shape is None:
        raise UsageError(f'model.{", model.".join(said)} (--freeze-images or the settings file): '
                         'the policy sees no images. Leave that out, or give the contract '
                         'policy_images')


def pretrain(job: Job) -> dict[str, object]:
    """Clone the demonstrations; write the model and its losses.

    Raises:
        BagError: There are no demonstrations, or one is unusable.
        UsageError: The image networks are to be frozen, and there are none.
        AuditError: Training on them would be wrong, and the options don't allow it.
    """
    import torch

    from inril_ros.learning.device import select_device
    from inril_ros.learning.policies.artifact import save_policy
    from inril_ros.learning.policies.model_config import model_config
    from inril_ros.learning.pretrain import pretrain as clone
    from inril_ros.learning.pretrain import PretrainConfig
    from inril_ros.learning.session_config import SessionConfig
    from inril_ros.nodes.learner.demonstrations import learning_episode

    torch.set_num_threads(1)
    began, contract = time.monotonic(), job.contract
    check_images(job)
    for notice in (outdated_imports(job.run.demonstrations),
                   former_recordings(job.run.demonstrations, contract),
                   edits_told(job.run.demonstrations)):
        if notice:
            job.reporter.say(notice)
    recorded = {piece.name: aligned_piece(piece, contract)
                for piece in pieces_to_imitate(job.run.demonstrations)}
    rules = RestRules(**job.options.rest)
    recorded, left_out = all_without_rest(recorded, contract, rules)
    for told in _told(left_out):
        job.reporter.say(told)
    verdict = _audited(job, recorded)
    if contract.policy_cameras:
        make_views(job.run, contract, job.reporter)
    episodes = [learning_episode(episode, contract) for episode in recorded.values()]
    config = PretrainConfig(**job.options.pretrain)
    host = SessionConfig.from_mapping(job.options.session).host
    model = model_config(host.POLICY_KIND, contract.observation_size, contract.action_size,
                         job.options.model, contract.image_shape)
    steps, losses = [], []
    every = max(1, config.steps // _CURVE_POINTS)
    with job.reporter.bar('pretrain', config.steps, 'steps') as bar:
        def show(step: int, loss: float) -> None:
            if step % every == 0 or step == config.steps:
                steps.append(step)
                losses.append(loss)
                bar.update(step, loss=loss)

        result = clone(episodes, model, config, job.seed('pretrain'),
                       device=select_device(job.options.device), progress=show)
    names = list(recorded)
    heldout = [names[index] for index in result.heldout]
    digest = save_policy(job.run.pretrained, result.policy, replace=True, heldout=heldout,
                         rest=rules.to_json())
    record = {
        'demonstrations': len(episodes), 'heldout': heldout,
        'transitions': sum(item.steps for item in episodes),
        'rest_left_out': {name: each.to_json() for name, each in left_out.items()},
        'training_loss': result.training_loss, 'heldout_loss_final': result.heldout_loss,
        'edits': _edits(job), 'audit': verdict, 'content_hash': digest, 'steps': steps,
        'loss': losses,
        'config': asdict(config), 'seconds': time.monotonic() - began}
    write_json(job.run.pretrain_record, record, replace=True)
    return {key: record[key] for key in
            ('demonstrations', 'transitions', 'training_loss', 'heldout_loss_final',
             'content_hash')}
