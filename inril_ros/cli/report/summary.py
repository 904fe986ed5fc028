# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of a run in one file, from the results of its stages."""

from typing import Any

from inril_ros.bench.estimates import whole_percent
from inril_ros.cli.report.run_record import was_rescued, was_success
from inril_ros.cli.run.resources import package_version
from inril_ros.cli.run.run_directory import RunDirectory
from inril_ros.data.record_files import read_json, read_json_lines
from inril_ros.robot.time_spent import in_words


def summarise(run: RunDirectory) -> dict[str, Any]:
    """Return the summary of a finished run.

    Raises:
        RecordError: The result of a stage is missing.
    """
    before, after = (read_json(run.evaluation(name)) for name in ('pretrained', 'finetuned'))
    cloned, result = read_json(run.pretrain_record), read_json(run.result)
    session = result['config']
    episodes = read_json_lines(run.episodes)
    stages = run.finished_stages()
    return {
        'task': run.settings.task, 'seed': run.settings.seed,
        'contract_hash': run.settings.contract_hash, 'run_id': run.settings.run_id,
        'demos': cloned['demonstrations'], 'demos_digest': read_json(run.recording)['digest'],
        'bc_success': _rate(before), 'finetuned_success': _rate(after),
        'training_episodes': {
            'number': len(episodes), 'successes': sum(map(was_success, episodes)),
            'rescued': sum(map(was_rescued, episodes))},
        'evaluation': result.get('evaluation'),
        'env_steps': result['env_steps'], 'time_spent': result.get('time_spent'),
        'rl_updates': result['rl_updates'],
        'il_updates': result['il_updates'], 'host': _host(session), 'm': session.get('m'),
        'il_source': session.get('imitation_source') if session.get('m') is not None else None,
        'versions': result['versions'], 'transitions': result['transitions'],
        'control': {key: before['actuation'][key] + result['control'][key]
                    + after['actuation'][key] for key in ('ticks', 'misses')},
        'wall_seconds': {**stages, 'total': sum(stages.values())},
        'device': result['device'], 'repeatable': result['synchronous'],
        'pretrained_hash': cloned['content_hash'],
        'finetuned_hash': read_json(run.finetuned / 'model.json')['content_hash'],
        'package_version': package_version()}


def _host(session: dict[str, Any]) -> str:
    host = session.get('host', 'idql')
    return host if isinstance(host, str) else host.get('name', 'idql')


def _rate(evaluation: dict[str, Any]) -> dict[str, Any]:
    return {'rate': evaluation['success'],
            **{key: evaluation[key] for key in ('low', 'high', 'n')},
            'rescued': evaluation.get('rescued', 0)}


def headline(summary: dict[str, Any]) -> str:
    """Return the result in one sentence."""
    before, after = summary['bc_success'], summary['finetuned_success']
    rescued = before.get('rescued', 0) + after.get('rescued', 0)
    return (f'{summary["task"]}: success {_interval(before)} -> {_interval(after)} '
            f'(95 % intervals, n = {before["n"]} and {after["n"]}, '
            f'{summary["env_steps"]} environment steps'
            + (f': {in_words(summary["time_spent"])})' if summary.get('time_spent') else ')')
            + (f"; {rescued} more evaluation episodes succeeded with a person's help"
               if rescued else ''))


def _interval(rate: dict[str, Any]) -> str:
    share, low, high = (whole_percent(rate[key]) for key in ('rate', 'low', 'high'))
    return f'{share} % [{low}, {high}]'
