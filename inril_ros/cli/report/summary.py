# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of a run in one file, from the results of its stages: at any time of the run."""

from dataclasses import asdict
from typing import Any

from inril_ros.cli.report.people import aborted, discards, interventions
from inril_ros.data.record_files import read_json_lines, read_record, Record
from inril_ros.data.run.episode_fates import EpisodeFates
from inril_ros.data.run.estimates import whole_percent
from inril_ros.data.run.ledger import run_ledger
from inril_ros.data.run.package_version import package_version
from inril_ros.data.run.run_directory import RunDirectory, STAGES
from inril_ros.data.run.run_record import was_rescued, was_success
from inril_ros.data.run.settings import nested, part
from inril_ros.data.run.starts import counts_of_all, last_of_each_start
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.time_spent import in_words


def summarise(run: RunDirectory) -> dict[str, Any]:
    """Return the summary of a run; what is not known yet is null.

    Raises:
        RecordError: A record of it is damaged.
    """
    evaluations = [_record(run.evaluation(name)) for name in ('pretrained', 'finetuned')]
    before, after = evaluations
    cloned, recorded = _record(run.pretrain_record), _record(run.recording)
    result = _record(run.result) or fine_tuned_so_far(run)
    session = result.get('config') or {}
    episodes = read_json_lines(run.episodes)
    stages = run.finished_stages()
    controls = [each for each in (before.get('actuation'), result.get('control'),
                                  after.get('actuation')) if each]
    model = run.finetuned / 'model.json'
    return {
        'task': run.settings.task, 'seed': run.settings.seed,
        'contract_hash': run.settings.contract_hash, 'run_id': run.settings.run_id,
        'unfinished': [stage for stage in STAGES if stage not in stages
                       and (not run.robot_name or run.stage_settings(stage))],
        'demos': cloned.get('demonstrations', recorded.get('demonstrations')),
        'demos_digest': recorded.get('digest'),
        'classifier_judges': load_contract(run.contract).episode.classifier_judges,
        'bc_success': _rate(before), 'finetuned_success': _rate(after),
        'training_episodes': {
            'number': len(episodes), 'successes': sum(map(was_success, episodes)),
            'rescued': sum(map(was_rescued, episodes))},
        'interventions': interventions(episodes).to_json(),
        'ledger': run_ledger(run),
        'discards': {
            'demonstrations': asdict(discards(read_json_lines(run.attempts))),
            'training': asdict(discards(episodes)),
            'training_ticks': EpisodeFates(episodes).to_json(),
            'evaluation': [asdict(aborted(each)) for each in evaluations if each]},
        'evaluation': result.get('evaluation'),
        'env_steps': result.get('env_steps'), 'time_spent': result.get('time_spent'),
        'rl_updates': result.get('rl_updates'), 'il_updates': result.get('il_updates'),
        'host': _host(session) if session else None, 'm': session.get('m'),
        'il_source': session.get('imitation_source') if session.get('m') is not None else None,
        'versions': result.get('versions'), 'transitions': result.get('transitions'),
        'control': {key: sum(each[key] for each in controls) for key in ('ticks', 'misses')},
        'wall_seconds': {**stages, 'total': sum(stages.values())},
        'device': result.get('device'), 'repeatable': result.get('synchronous'),
        'pretrained_hash': cloned.get('content_hash'),
        'finetuned_hash': _record(model).get('content_hash'),
        'package_version': package_version()}


def fine_tuned_so_far(run: RunDirectory) -> dict[str, Any]:
    """Return what is known of a fine-tuning that has not ended; empty before it began."""
    episodes, metrics = read_json_lines(run.episodes), read_json_lines(run.metrics)
    starts = last_of_each_start(read_json_lines(run.starts))
    if not episodes and not metrics and not starts:
        return {}
    used = run.stage_settings('finetune')
    config = nested({name: setting.value for name, setting in part(used, 'session').items()})
    newest = metrics[-1] if metrics else {}
    counted = counts_of_all(starts, read_json_lines(run.weights))
    return {
        'config': config, 'control': counted['control'],
        'env_steps': episodes[-1]['env_steps'] if episodes else 0,
        'rl_updates': newest.get('rl_updates', 0), 'il_updates': newest.get('il_updates', 0),
        'versions': {'published': newest.get('weights_version', 0), **counted['versions']},
        'transitions': counted['transitions'],
        'synchronous': used['synchronous'].value if 'synchronous' in used else None}


def _record(path: Any) -> Record:
    return read_record(path) if path.exists() else Record()


def _host(session: dict[str, Any]) -> str:
    host = session.get('host', 'idql')
    return host if isinstance(host, str) else host.get('name', 'idql')


def _rate(evaluation: dict[str, Any]) -> dict[str, Any] | None:
    if not evaluation.get('n'):
        return None
    return {'rate': evaluation['success'],
            **{key: evaluation[key] for key in ('low', 'high', 'n')},
            'rescued': evaluation.get('rescued', 0)}


def headline(summary: dict[str, Any]) -> str:
    """Return the result of a finished run in one sentence."""
    before, after = summary['bc_success'], summary['finetuned_success']
    rescued = before.get('rescued', 0) + after.get('rescued', 0)
    seen = ' that its classifier saw' if summary.get('classifier_judges') else ''
    return (f'{summary["task"]}: success{seen} {_interval(before)} -> {_interval(after)} '
            f'(95 % intervals, n = {before["n"]} and {after["n"]}, '
            f'{summary["env_steps"]} environment steps'
            + (f': {in_words(summary["time_spent"])})' if summary.get('time_spent') else ')')
            + (f"; {rescued} more evaluation episodes succeeded with a person's help"
               if rescued else ''))


def _interval(rate: dict[str, Any]) -> str:
    share, low, high = (whole_percent(rate[key]) for key in ('rate', 'low', 'high'))
    return f'{share} % [{low}, {high}]'
