# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A finished run as the stages leave it: files of the real form with drawn numbers."""

from pathlib import Path

import numpy as np

from inril_ros.data.record_files import JsonLines, read_json, read_json_lines, write_json
from inril_ros.data.run.estimates import success_rate
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.data.run.settings import Setting
from inril_ros.robot.time_spent import TimeSpent

CONTRACT = Path(__file__).parents[2] / 'config' / 'robots' / 'metaworld_sawyer.yaml'
PERIOD = 0.0125
RATE = 1 / PERIOD
EDGES = [PERIOD * part for part in (0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)]


def write_sample_run(folder, before=0.38, after=0.92):
    """Write a run of 40,000 steps and return it."""
    generator = np.random.default_rng(7)
    run = RunDirectory.create(folder, new_settings('pick-place', 3, CONTRACT))
    write_pretraining(run, generator)
    evaluations = {
        name: write_evaluation(run, name, rate, generator)
        for name, rate in (('pretrained', before), ('finetuned', after))}
    write_finetuning(run, generator)
    run.keep_settings('finetune', {
        'env_steps': Setting(40000, 'default'), 'session.m': Setting(5, 'file dppo.yaml'),
        'session.imitation_source': Setting('both', 'option')})
    wall = {'record': 21.4, 'pretrain': 33.0, 'evaluate_pretrained': 18.2, 'finetune': 262.9,
            'evaluate_finetuned': 16.8}
    for stage, seconds in wall.items():
        run.finish_stage(stage, seconds)
    write_json(run.summary, {
        'task': 'pick-place', 'seed': 3, 'contract_hash': run.settings.contract_hash, 'demos': 8,
        'bc_success': evaluations['pretrained'], 'finetuned_success': evaluations['finetuned'],
        'env_steps': 40000, 'time_spent': TimeSpent(
            RATE, 10.0, 40000, 300, 800, 8, 1600).to_json(),
        'rl_updates': 10000, 'il_updates': 2000, 'il_source': 'both', 'm': 5,
        'versions': {'published': 80, 'applied': 79, 'refused': 1},
        'transitions': {'sent': 10210, 'acknowledged': 10210, 'journaled': 10210},
        'control': {'ticks': 40210, 'misses': 34}, 'device': 'cpu', 'repeatable': True,
        'wall_seconds': {**wall, 'total': sum(wall.values())},
        'package_version': run.settings.package_version})
    return run


def actuation(generator, ticks=9000):
    gaps = np.concatenate([generator.normal(PERIOD, PERIOD * 0.05, ticks),
                           generator.exponential(PERIOD * 1.2, 30) + PERIOD * 1.3])
    counts = np.histogram(gaps, bins=[-np.inf, *EDGES, np.inf])[0]
    return {'ticks': len(gaps), 'misses': int((gaps > 1.5 * PERIOD).sum()), 'gap_edges': EDGES,
            'gap_counts': counts.tolist(), 'worst_gap': float(gaps.max()), 'period': PERIOD}


def write_evaluation(run, name, rate, generator, episodes=50):
    successes = generator.random(episodes) < rate
    counted = success_rate(int(successes.sum()), episodes)
    write_json(run.evaluation(name), {
        'name': name, 'model': name, 'success': counted.value, 'n': episodes, 'low': counted.low,
        'high': counted.high, 'wall_seconds': 17.0, 'actuation': actuation(generator),
        'episodes': [{'seed': 1000 + number, 'success': bool(success),
                      'ticks': 90 if success else 200,
                      'outcome': 'success' if success else 'time_limit'}
                     for number, success in enumerate(successes)]})
    return {'rate': counted.value, 'low': counted.low, 'high': counted.high, 'n': episodes}


def write_pretraining(run, generator):
    steps = np.arange(0, 3001, 50)
    loss = 0.08 + 0.9 * np.exp(-steps / 400) + generator.normal(0, 0.01, len(steps))
    write_json(run.pretrain_record, {
        'steps': steps, 'loss': loss, 'demonstrations': 8,
        'transitions': 260, 'seconds': 33.0})


def write_judgements(run, blocks=((0, 0, 4), (40, 20_000, 9), (80, 40_000, 5)), episodes=10):
    """Write blocks of evaluation: version, environment steps, successes."""
    with JsonLines(run.judgements) as lines:
        for number, (version, steps, successes) in enumerate(blocks):
            for index in range(episodes):
                won = index < successes
                lines.append({
                    'block': number, 'episode': index, 'of': episodes, 'version': version,
                    'learner_step': steps // 4, 'content_hash': f'{version:064x}',
                    'folder': f'{version:04d}_00000000', 'env_steps': steps, 'success': won,
                    'outcome': 'success' if won else 'time_limit', 'ticks': 90 if won else 200,
                    'time': 6.4e-3 * steps})


def write_finetuning(run, generator):
    write_judgements(run)
    env_steps, seconds, index = 0, 0.0, 0
    with JsonLines(run.episodes) as lines:
        while env_steps < 40000:
            skill = 0.25 + 0.65 / (1 + np.exp(-(env_steps - 16000) / 4000))
            success = generator.random() < skill
            ticks = int(generator.integers(70, 120)) if success else 200
            env_steps, seconds = env_steps + ticks, seconds + ticks * 0.0064
            lines.append({'index': index, 'episode_id': f'episode-{index}', 'ticks': ticks,
                          'outcome': 'success' if success else 'time_limit',
                          'env_steps': env_steps, 'weights_version': env_steps // 500,
                          'time': seconds, 'explore': True, 'person_ticks': 0,
                          'robot_minutes': (env_steps / RATE + 10 * (index + 1)) / 60,
                          'person_minutes': 10 * (index + 1) / 60})
            index += 1
    with JsonLines(run.metrics) as lines:
        for step in range(0, 40001, 80):
            done = step / 40000
            lines.append({
                'time': step * 0.0064, 'env_steps': step, 'rl_updates': step // 4,
                'il_updates': step // 20, 'ratio': 0.2,
                'rl_loss': float('nan') if step < 1500 else
                0.004 + 0.02 * np.exp(-done * 3) * generator.lognormal(0, 0.25),
                'il_loss': 0.09 + 0.05 * np.exp(-done * 5) + generator.normal(0, 0.006),
                'heldout_il_loss': 0.19 + 0.04 * done + generator.normal(0, 0.003),
                'dose': 0.3, 'updates_per_second': 61.0, 'weights_version': step // 500})
    with JsonLines(run.weights) as lines:
        for version in range(1, 81):
            published = version * 3.2
            late = float(generator.lognormal(-2.6, 0.35))
            refused = 'changes the actions on demonstrations by 0.61, allowed 0.5'
            lines.append(
                {'version': None, 'published': None, 'applied': None, 'learner_step': None,
                 'refused': refused, 'time': published + late} if version == 31 else
                {'version': version, 'published': published, 'learner_step': version * 125,
                 'applied': published + late, 'receive_seconds': late * 0.5,
                 'verify_seconds': late * 0.2, 'swap_seconds': 0.0004, 'refused': ''})
    write_json(run.result, {'env_steps': env_steps, 'control': actuation(generator, 40000)})


def rescue(run, every):
    """Let a person have helped in every so-many-th success of training and of evaluation.

    Returns the number of training episodes and of evaluation episodes that were rescued.
    """
    rows = read_json_lines(run.episodes)
    won = [row for row in rows if row['outcome'] == 'success'][::every]
    run.episodes.unlink()
    with JsonLines(run.episodes) as lines:
        for row in rows:
            lines.append({**row, 'person_ticks': 12 * (row in won)})
    evaluation = read_json(run.evaluation('finetuned'))
    helped = [episode for episode in evaluation['episodes'] if episode['success']][::every]
    for episode in helped:
        episode |= {'success': False, 'rescued': True, 'person_ticks': 12}
    evaluation['rescued'] = len(helped)
    write_json(run.evaluation('finetuned'), evaluation, replace=True)
    return len(won), len(helped)
