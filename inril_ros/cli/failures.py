# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril failures``: where episodes fail, and a list of such starts to practise."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from rich.console import Console
from rich.table import Table
import typer

from inril_ros.data.record_files import read_json_lines, RecordError, write_whole
from inril_ros.data.run.failure_groups import Began, FailureGroup, group_failures, take_turns
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.run_record import was_success
from inril_ros.data.run.start_list import PractisedStart, StartList, write_starts
from inril_ros.robot.contract.contract import Contract, load_contract

_FOLDER = 'failures'


@dataclass(frozen=True)
class _First:
    """The first observation of an episode in the journal, and its images as they were encoded."""

    observation: np.ndarray
    images: dict[str, bytes]


def failures(
    run: Annotated[Path, typer.Argument(help='Folder of the run.')],
    last: Annotated[int, typer.Option(
        min=1, help='So many last episodes of learning are looked at: earlier ones failed with '
                    'another policy.')] = 100,
    most: Annotated[int, typer.Option(min=1, help='Starts in the list.')] = 20,
    out: Annotated[Path | None, typer.Option(
        help='Where to write the list; left out: RUN/failures.')] = None,
) -> None:
    """Group the failed episodes of learning by where they began, and list starts to practise.

    Practise them by inril finetune RUN --resume --steps N --starts RUN/failures/starts.json. The
    starts of evaluations are never among them: what is practised can't be measured by them.
    """
    opened = RunDirectory.open(run)
    contract = load_contract(opened.contract)
    rows = {row['episode_id']: row for row in read_json_lines(opened.episodes)[-last:]
            if row['outcome'] != 'aborted'}
    console = Console(highlight=False, soft_wrap=True)
    with Console(stderr=True).status('reading the journal'):
        firsts = _first_observations(opened, contract, rows)
    began = [Began(name, was_success(row), firsts[name].observation)
             for name, row in rows.items() if name in firsts]
    if not began:
        raise RecordError(f'{opened.journal}: has no beginning of any of the last {last} episodes '
                          'of learning: fine-tune first, or the journal was thinned out')
    groups = group_failures(began)
    if not groups:
        console.print(f'none of the last {len(began)} episodes failed')
        return
    names = _element_names(contract)
    folder = out or opened.path / _FOLDER
    table = Table('group', 'failed', 'succeeded near', 'unusual at the start')
    for number, group in enumerate(groups):
        table.add_row(str(number + 1), str(len(group.failed)),
                      f'{group.succeeded} of {group.near}', _about(group, names) or 'nothing')
    console.print(table)
    starts = tuple(_start(opened, rows[episode], number, _about(groups[number], names),
                          firsts[episode], folder)
                   for number, episode in take_turns(groups, most))
    path = write_starts(folder, StartList(opened.settings.contract_hash, starts))
    console.print(f'{len(starts)} starts of {sum(len(group.failed) for group in groups)} failures '
                  f'in {len(began)} episodes: {path}')


def _first_observations(
    run: RunDirectory, contract: Contract, wanted: Mapping[str, Any],
) -> dict[str, _First]:
    """Return the first observations of episodes in the journal; those without one are left out."""
    from inril_ros.data.frames.transition_images import unpack_images
    from inril_ros.nodes.learner.transition_messages import journaled, packed_images

    cameras, found = list(contract.policy_cameras), {}
    for message in journaled(run.journal) if run.journal.exists() else ():
        if message.episode_id not in wanted or message.first_tick or not message.steps:
            continue
        observation = np.array(message.observations[:message.observation_size], np.float64)
        if len(observation) != contract.observation_size or not np.isfinite(observation).all():
            continue
        rows = unpack_images(packed_images(message), message.steps + 1, len(cameras))
        found[message.episode_id] = _First(
            observation, dict(zip(cameras, rows[0])) if rows else {})
    return found


def _element_names(contract: Contract) -> list[str]:
    return [f'{name}[{index}]' for name in contract.policy_observations
            for index in range(contract.length(name))]


def _about(group: FailureGroup, names: list[str]) -> str:
    return ', '.join(f'{names[one.element]} {one.here:.3g} (usually {one.usual:.3g})'
                     for one in group.unusual)


def _start(
    run: RunDirectory, row: Mapping[str, Any], group: int, about: str, first: _First,
    folder: Path,
) -> PractisedStart:
    """Return one start of the list, and write its pictures."""
    from inril_ros.nodes.conducting.conducted_run import practised_scene

    pictures = {}
    for camera, encoded in first.images.items():
        kind = 'png' if encoded.startswith(b'\x89PNG') else 'jpg'
        pictures[camera] = f'{group + 1:02d}_{row["index"]:05d}_{camera}.{kind}'
        write_whole(folder / pictures[camera], encoded, sync=False)
    return PractisedStart(row['episode_id'], group, practised_scene(run, row), pictures, about)
