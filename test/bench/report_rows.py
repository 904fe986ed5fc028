# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rows of a study as if it had been run, and a look into the tables made of them."""

import random

from inril_ros.bench.places import json_lines
from inril_ros.bench.report.study_report import report_text
from inril_ros.bench.report.subject import read_subject
from inril_ros.data.record_files import write_whole

# Success before, halfway and after, by arm and seed.
RESULTS = {'alone': {0: (0.2, 0.4, 0.6), 1: (0.2, 0.5, 0.8), 2: (0.4, 0.6, 0.7)},
           'worse': {0: (0.2, 0.9, 0.3), 1: (0.2, 0.4, 0.5), 2: (0.4, 0.5, 0.3)},
           'better': {0: (0.2, 0.5, 0.9), 1: (0.2, 0.5, 1.0), 2: (0.4, 0.6, 1.0)}}
POINTS = (0, 50, 100)


def row(run, at, success):
    return {'study': run.study, 'task': run.task.label, 'host': run.arm.host,
            'arm': run.arm.name, 'm': run.arm.session_config.m, 'separation': None,
            'seed': run.seed, 'point': at, 'env_steps': at, 'grad_steps': at // 2,
            'rl_updates': at // 2, 'il_updates': 0, 'cpu_seconds': at / 10,
            'simulation_seconds': 1.0, 'learning_seconds': 2.0, 'evaluation_seconds': 3.0,
            'success': success, 'n': 50, 'heldout_il_loss': 0.5 - at / 1000, 'ratio': 0.0,
            'log': {'dose': 0.5, 'alignment_pooled_cosine': 0.125,
                    'alignment_layer/trunk.0/t': -3.0, 'alignment_layer/trunk.0/cosine': -0.25,
                    'alignment_il_to_rl_slope': 0.9}, 'config_hash': run.hash,
            'code_hash': 'c0de' * 16, 'weights_hash': 'feed' * 16, 'torch': '2.0'}


def cells(text, *first, after=''):
    """Return the cells of the first table row that begins with these ones, below a heading."""
    start = '| ' + ' | '.join(first) + ' |'
    line = next(line for line in text[text.index(after):].splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip('|').split('|')]


def synthetic(arms, tasks, seeds, gain, points=POINTS, **more):
    """Return rows of a study: a clone of 20 %, and an arm's gain per point by task and seed."""
    return [{'study': 's', 'task': task, 'host': 'idql', 'arm': arm,
             'm': None if arm == 'alone' else 4, 'seed': seed, 'point': at, 'env_steps': at,
             'success': round(0.2 + index * gain(arm, task, seed), 4), 'n': 50, 'log': {},
             'rl_updates': at, 'il_updates': 0, 'cpu_seconds': at / 10, 'heldout_il_loss': None,
             'ratio': 0.0, 'clone': f'{task}{seed}', 'config_hash': f'{arm}{task}{seed}',
             'code_hash': 'c0de' * 16, 'weights_hash': 'feed' * 16, 'torch': '2.0', **more}
            for arm in arms for task in tasks for seed in seeds
            for index, at in enumerate(points)]


def published(folder, rows):
    """Return a folder of nothing but results."""
    write_whole(folder / 'results.jsonl', json_lines(rows))
    return folder


def text_of(folder, **more):
    return report_text(read_subject([folder], folder.name, **more))


def noisy(arm, task, seed):
    """Gain per point: 'good' is 15 points better, 'same' is no better, both with noise."""
    noise = random.Random(f'{arm}{task}{seed}').gauss(0.0, 0.03)
    return 0.2 + noise + (0.15 if arm == 'good' else 0.0)
