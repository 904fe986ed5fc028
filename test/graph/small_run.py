# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A small job with all steps: RL and IL updates, several weight versions."""

import hashlib
import json
from pathlib import Path
import shutil

SETTINGS = """
m: 4
episode_cut: 1.5
imitation_batch: 32
host:
  name: idql
  warmup_steps: 150
  warmup_updates: 60
  updates_per_step: 0.25
  batch: 32
  candidates: 4
evaluation:
  every: 500
  episodes: 3
"""
TASK, DEMOS, EPISODES, STEPS = 'reach', 4, 5, 1000
STAGES = ('record', 'pretrain', 'evaluate_pretrained', 'finetune', 'evaluate_finetuned')
# The files that each stage writes.
FILES = {
    'record': ('run.json', 'contract.yaml', 'recording.json', 'demonstrations'),
    'pretrain': ('pretrained',),
    'evaluate_pretrained': ('evaluations/pretrained.json',),
    'finetune': ('finetune',),
    'evaluate_finetuned': ('evaluations/finetuned.json', 'summary.json', 'report.html',
                           'tensorboard'),
}


def settings_file(folder):
    path = Path(folder, 'settings.yaml')
    path.write_text(SETTINGS, encoding='utf-8')
    return path


def demo_arguments(run_dir, settings, steps=STEPS, seed=0):
    """Return the command line of the small job."""
    return ('demo', '--run-dir', run_dir, '--task', TASK, '--seed', seed, '--demos', DEMOS,
            '--clone-steps', 300, '--steps', steps, '--episodes', EPISODES, '--config', settings,
            '--device', 'cpu', '--json')


def finetune_arguments(run_dir, settings, *more, steps=STEPS):
    return ('finetune', run_dir, '--steps', steps, '--config', settings, '--device', 'cpu',
            '--json', *more)


def copy_after(run, target, stage):
    """Copy a finished run as it was after a stage; return the copy's folder."""
    done = STAGES[:STAGES.index(stage) + 1]
    for name in (name for item in done for name in FILES[item]):
        goal = target / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        if (run / name).is_dir():
            shutil.copytree(run / name, goal)
        else:
            shutil.copy(run / name, goal)
    seconds = read(run / 'stages.json')
    (target / 'stages.json').write_text(json.dumps({item: seconds[item] for item in done}))
    return target


def read(path):
    return json.loads(path.read_text(encoding='utf-8'))


def tree(folder):
    """Return the SHA-256 of each file by its path below a folder, without lock files."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob('*')) if path.is_file() and path.name != '.lock'}
