# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations, one bag per episode, until there are as many successful ones as wanted."""

from pathlib import Path
from typing import NoReturn
from uuid import uuid4

from inril_ros.data.bags.digest import content_digest
from inril_ros.data.bags.dry_run import is_demonstration
from inril_ros.data.demonstrations.demonstration_set import REJECTED
from inril_ros.data.demonstrations.pieces import pieces_of
from inril_ros.data.record_files import JsonLines, write_json
from inril_ros.data.run.episode_fates import EpisodeFates, fate_of
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.episode_result import EpisodeResult
from inril_ros.nodes.conducting.conducted_run import ConductedRun
from inril_ros.robot.episode import EpisodeOutcome, Purpose


class TooFewDemonstrations(RuntimeError):
    """The operator succeeded too rarely."""


def record_demonstrations(job: ConductedRun, conductor: Conductor) -> dict[str, object]:
    """Record the wanted number of successful demonstrations; failures go to ``rejected/``.

    An interrupted recording is continued. Demonstrations that were dropped, or labelled failures,
    don't count: so many more are recorded.

    Raises:
        EditError: Edits of a demonstration can't be read.
        TooFewDemonstrations: Five attempts per wanted demonstration were not enough for the
            operator of a simulation. A person may discard as many as they like.
    """
    folder, wanted = job.run.demonstrations, job.options.demonstrations
    recorded = kept_bags(folder)
    kept = sum(piece.outcome != 'failure' for path in recorded for piece in pieces_of(path))
    attempts = len(recorded) + len(kept_bags(folder / 'rejected'))
    fates = EpisodeFates()
    with JsonLines(job.run.attempts) as rows, \
            conductor.bar(job.reporter, 'record', wanted, 'demonstrations', kept) as bar:
        while kept < wanted:
            if attempts >= 5 * wanted and not conductor.attended:
                raise TooFewDemonstrations('. '.join(filter(None, (
                    f'{kept} of {attempts} attempts succeeded, {wanted} demonstrations are '
                    f'wanted; the others are in {folder / "rejected"}', fates.advice))))
            result = conductor.run_episode(
                job.episode_id('record', attempts), Purpose.DEMONSTRATION,
                seed=job.seed('operator', attempts),
                scene_seed=job.scene_seed('record', attempts),
                operator_name='scripted' if job.options.simulation else '',
                begun=lambda number=kept + 1: job.reporter.say(
                    f'demonstration {number} of {wanted}: recording'))
            job.reporter.say(_told(result, job.contract.period))
            row = {'attempt': attempts, 'episode_id': result.episode_id,
                   'outcome': result.outcome.name.lower(), 'ticks': result.ticks,
                   'saved': result.saved, **fate_of(result)}
            rows.append(row)
            attempts += 1
            kept += result.saved
            # A failure that was shown is put aside as well: that is no loss.
            if result.saved or result.outcome in (EpisodeOutcome.SUCCESS, EpisodeOutcome.ABORTED):
                fates.add({'index': attempts, **row})
            bar.update(kept, attempts=attempts, **fates.facts)
        for told in fates.summary:
            job.reporter.say(told)
    bags = kept_bags(folder)
    facts = {'demonstrations': len(bags), 'attempts': attempts, 'digest': content_digest(bags)}
    write_json(job.run.recording, facts, replace=True)
    return facts


def rehearse(job: ConductedRun, conductor: Conductor) -> NoReturn:
    """Ask for episodes of a dry run, one after the other until Ctrl-C; none of them counts."""
    number = 0
    while True:
        number += 1
        result = conductor.run_episode(
            str(uuid4()), Purpose.DEMONSTRATION, seed=0,
            begun=lambda number=number: job.reporter.say(
                f'dry run {number}: nothing is sent to the robot'))
        job.reporter.say(_told(result, job.contract.period))


def _told(result: EpisodeResult, period: float) -> str:
    """Return in one line how long a demonstration was, how it ended, and what was kept of it."""
    outcome = result.outcome.name.lower().replace('_', ' ') + (
        f' ({result.cause})' if result.cause and result.cause != result.reason else '')
    record = result.reason.removesuffix(result.account).removesuffix('; ')
    why, _, place = record.rpartition(': ')
    path = Path(place)
    if result.saved:
        what = f'kept as {path.name}'
    elif path.parent.name == REJECTED:
        what = f'put aside as {REJECTED}/{path.name}'
    else:
        what, why = 'not kept', record
    return (f'stopped after {result.ticks * period:.1f} s, {outcome}: '
            + ': '.join(filter(None, ('; '.join(filter(None, (what, result.account))), why))))


def kept_bags(folder: Path) -> list[Path]:
    """Return the complete bags of a folder, oldest first, without those of dry runs."""
    return [path for path in sorted(file.parent for file in folder.glob('*/metadata.yaml'))
            if path.suffix != '.tmp' and is_demonstration(path)]
