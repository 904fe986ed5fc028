# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the evidence of a run says, as plain data, from the run's records alone."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from inril_ros.cli.evidence.computer import this_computer
from inril_ros.cli.report.people import aborted, discards, interventions
from inril_ros.data.bags.bags import BagError, EXECUTED_TOPIC
from inril_ros.data.bags.recording import open_recording
from inril_ros.data.record_files import read_json, read_json_lines, read_record
from inril_ros.data.run.gate_log import GateCount
from inril_ros.data.run.gate_log import NAME as GATE_LOG
from inril_ros.data.run.judgements import best_version, judged_versions
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.starts import all_control_counts, last_of_each_start
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.motion.switched_off import switched_off

_EXECUTED = 'inril_ros/msg/ExecutedAction'
_STOP = 'e-stop'
_COUNTS = ('ticks', 'held', 'changed', 'person')


def evidence_of(
    run: RunDirectory, faults: Path | None, progress: Callable[[str], object],
) -> dict[str, Any]:
    """Return all that the evidence says about a run.

    Args:
        run: The run.
        faults: A ``fault_matrix.json`` that ``inril faults`` has made on this installation.
        progress: Called with what is read.

    Raises:
        RecordError: A record is damaged.
        ContractError: The contract is.
    """
    contract = load_contract(run.contract)
    robots = [run, *(RunDirectory(run.path, run.settings, name) for name in run.robots())]
    episodes = [row for each in robots for row in read_json_lines(each.episodes)]
    evaluations = {f'{name} {each.robot_name[0]}' if each.robot_name else name:
                   read_record(each.evaluation(name)) for each in robots
                   for name in ('pretrained', 'finetuned') if each.evaluation(name).exists()}
    progress('the bags of demonstrations')
    return {
        'run': {**asdict(run.settings), 'robots': run.robots(),
                'stages': run.finished_stages()},
        'contract': _contract(contract),
        'versions': _versions(run, robots),
        'gate': _gate(run, robots, evaluations),
        'episodes': _episodes(run, episodes, evaluations),
        'interventions': interventions(episodes).to_json(),
        'fault_matrix': None if faults is None else read_json(faults),
        'computer_now': this_computer()}


def _contract(contract: Contract) -> dict[str, Any]:
    return {'name': contract.name, 'hash': contract.hash,
            'off': list(switched_off(contract)),
            'limits': {name: {key: value for key, value in asdict(entry).items() if key in (
                'topic', 'type', 'joints', 'quantity', 'minimum', 'maximum', 'position_minimum',
                'position_maximum', 'max_velocity', 'max_acceleration', 'max_jerk', 'max_lead',
                'max_effort', 'hold') and value not in ('', (), 0.0)}
                for name, entry in contract.actions.items()},
            'workspace': None if contract.workspace is None else asdict(contract.workspace),
            'load_limits': {name: asdict(rule) for name, rule in contract.load_limits.items()},
            'safety': asdict(contract.safety),
            'whole': TypeAdapter(type(contract)).dump_python(contract, mode='json')}


def _versions(run: RunDirectory, robots: Sequence[RunDirectory]) -> dict[str, Any]:
    rows = [row for each in robots for row in read_json_lines(each.weights)]
    judged = judged_versions(row for each in robots for row in read_json_lines(each.judgements))
    model = run.finetuned / 'model.json'
    return {
        'clone': _hash_in(run.pretrain_record), 'finetuned': _hash_in(model),
        'acted': sorted({row['version'] for row in rows if row.get('version') is not None}),
        'refused': dict(Counter(row['refused'] for row in rows if row.get('refused'))),
        'judged': [{'version': one.version, 'content_hash': one.content_hash,
                    'learner_step': one.learner_step, 'env_steps': one.env_steps,
                    'success': one.in_words} for one in judged],
        'best': best_version(judged).name if judged else None}


def _hash_in(path: Path) -> str | None:
    return read_record(path).get('content_hash') if path.exists() else None


def _gate(
    run: RunDirectory, robots: Sequence[RunDirectory],
    evaluations: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return by part of the run what the gate did; reasons are None where none were recorded."""
    shown, unread = demonstrated(run.demonstrations)
    learned = GateCount.of_rows(
        row for each in robots for row in read_json_lines(each.journal / GATE_LOG))
    counted = all_control_counts([start['control'] for each in robots for start in
                                  last_of_each_start(read_json_lines(each.starts))])
    parts: dict[str, Any] = {'demonstrations': shown.to_json()}
    if learned.ticks:
        parts['fine-tuning'] = learned.to_json()
    elif counted:
        parts['fine-tuning'] = _only_counts(counted)
    for name, evaluation in evaluations.items():
        if evaluation.get('actuation'):
            parts[f'evaluation {name}'] = _only_counts(evaluation['actuation'])
    return {'parts': parts, 'unread': unread}


def _only_counts(control: Mapping[str, Any]) -> dict[str, Any]:
    return {'ticks': control['ticks'], 'held': control.get('holds'),
            'changed': control.get('clipped'), 'person': control.get('person_ticks'),
            'reasons': None}


def demonstrated(folder: Path) -> tuple[GateCount, list[str]]:
    """Return what the gate did in the bags of a folder, and which could not be read."""
    count, unread = GateCount(), []
    for bag in sorted(path.parent for path in folder.glob('**/metadata.yaml')):
        try:
            with open_recording(bag) as recording:
                ticks = [each for each in recording.connections if each.msgtype == _EXECUTED
                         and each.topic.endswith(EXECUTED_TOPIC)]
                for connection, _, raw in recording.messages(ticks) if ticks else ():
                    message = recording.deserialize(raw, connection)
                    count.add(message.source, message.reasons)
        except BagError as error:
            unread.append(str(error))
    return count, unread


def _episodes(
    run: RunDirectory, episodes: Sequence[Mapping[str, Any]],
    evaluations: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    attempts = read_json_lines(run.attempts)
    ended = [*((f'fine-tuning {row["index"]}', row) for row in episodes),
             *((f'demonstration {row.get("index", number)}', row)
               for number, row in enumerate(attempts)),
             *((f'evaluation {name} {row.get("index")}', row) for name, evaluation in
               evaluations.items() for row in evaluation.get('aborted') or ())]
    return {
        'fine_tuning': dict(Counter(row['outcome'] for row in episodes)),
        'evaluations': {name: {
            'episodes': len(evaluation['episodes']),
            'successes': sum(bool(row['success']) for row in evaluation['episodes']),
            'aborted': asdict(aborted(evaluation))} for name, evaluation in evaluations.items()},
        'demonstrations_not_used': asdict(discards(attempts)),
        'fine_tuning_not_used': asdict(discards(episodes)),
        'e_stops': [{'episode': name, 'reason': reason} for name, row in ended
                    if _STOP in (reason := f'{row.get("cause") or ""} {row.get("reason") or ""}'
                                 .strip())],
        'aborted': [{'episode': name, 'reason': row.get('cause') or row.get('reason') or ''}
                    for name, row in ended if row.get('outcome') == 'aborted']}
