# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage: fine-tune the policy in the running graph."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from inril_ros.cli.stages.job import Job
from inril_ros.data.record_files import write_whole
from inril_ros.data.run.settings import flat
from inril_ros.graph.description import finetuning_graph
from inril_ros.graph.run_options import judge_of, longest_rollout
from inril_ros.nodes.conducting.conducted_run import require
from inril_ros.nodes.conducting.finetuning import FineTuning
from inril_ros.robot.yaml_file import load_yaml


class SettingsDiffer(ValueError):
    """The run's fine-tuning was begun with other settings."""


def finetune(job: Job) -> dict[str, object]:
    """Let the policy act and learn until the environment steps are used up; keep the best version.

    Raises:
        SettingsDiffer: The run was begun with other settings.
    """
    run, options = job.run, job.options
    require(run.pretrained, 'pretrain first (inril pretrain)')
    config = _keep_settings(run.finetune / 'config.yaml', options.session)
    with FineTuning(job) as tuning:
        graph = finetuning_graph(job.graph_options(
            pretrained=str(run.pretrained), demonstrations=str(run.demonstrations),
            journal=str(run.journal), finetune_config=str(config), run_dir=str(run.finetune),
            synchronous=options.synchronous, hold_first=tuning.judge.begins_with_the_clone,
            held_versions=str(run.versions), reset_seconds=options.reset_seconds,
            longest_rollout=longest_rollout(run, config), judge=judge_of(run, 'finetune')))
        with job.running('finetune', graph, tuning.listen) as conductor:
            result = tuning.run(conductor)
        tuning.conclude(result)
    return result


def _keep_settings(path: Path, session: Mapping[str, Any]) -> Path:
    """Write the session's settings, or compare them with those of the run's beginning."""
    from inril_ros.learning.session_config import SessionConfig

    def whole(settings: Mapping[str, Any]) -> dict[str, Any]:
        return dict(flat(SessionConfig.from_mapping(settings).to_mapping()))

    if not path.exists():
        write_whole(path, yaml.safe_dump(dict(session), sort_keys=True))
        return path
    content = load_yaml(path, ValueError)[0] or {}
    try:
        kept = whole(content)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    asked = whole(session)
    different = sorted(key for key in kept.keys() | asked.keys()
                       if kept.get(key) != asked.get(key))
    if different:
        told = '; '.join(f'{key}: {asked.get(key)!r} asked for, {kept.get(key)!r} in the run'
                         for key in different)
        raise SettingsDiffer(f'{path} was begun with other settings ({told}): leave these options '
                             'out, or take a new folder')
    return path
