# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A list of starts to practise: seeds of a simulated scene, or pictures that a person sets."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from inril_ros.data.record_files import read_record, RecordError, write_json
from inril_ros.robot.settings_check import checked

NAME = 'starts.json'
_STRICT = ConfigDict(extra='forbid')


@dataclass(frozen=True, config=_STRICT)
class PractisedStart:
    """One start.

    Attributes:
        episode_id: The failed episode that began there.
        group: Number of the group of failures that it is in.
        scene_seed: Seed of the simulated scene; None: a person sets it.
        pictures: Files beside the list that show it, by camera.
        about: What is unusual about it, in words.
    """

    episode_id: Annotated[str, Field(max_length=64)]
    group: Annotated[int, Field(ge=0)]
    scene_seed: Annotated[int, Field(ge=0)] | None = None
    pictures: dict[str, Annotated[str, Field(pattern=r'^[\w.-]+$')]] = Field(default_factory=dict)
    about: Annotated[str, Field(max_length=1000)] = ''


@dataclass(frozen=True, config=_STRICT)
class StartList:
    """Starts in the order in which they are practised, again and again.

    Attributes:
        contract_hash: SHA-256 of the contract that they belong to.
        starts: The starts.
    """

    contract_hash: Annotated[str, Field(pattern=r'^[0-9a-f]{64}$')]
    starts: Annotated[tuple[PractisedStart, ...], Field(min_length=1)]

    def at(self, number: int) -> PractisedStart:
        """Return the start of the ``number``-th practised episode."""
        return self.starts[number % len(self.starts)]


def write_starts(folder: Path, starts: StartList) -> Path:
    """Write the list into a folder; return its path."""
    path = folder / NAME
    write_json(path, asdict(starts), replace=True)
    return path


def read_starts(path: str | Path, contract_hash: str, simulated: bool) -> StartList:
    """Read a list for a run.

    Args:
        path: The file.
        contract_hash: That of the run's contract.
        simulated: Whether the scene is set by seeds.

    Raises:
        RecordError: It is no list, or one that this run can't practise; the message says why.
    """
    found: StartList = checked(StartList, _plain(path), str(path), RecordError)
    if found.contract_hash != contract_hash:
        raise RecordError(f'{path}: was made under contract {found.contract_hash[:12]}..., the '
                          f'run has {contract_hash[:12]}...')
    if simulated and any(start.scene_seed is None for start in found.starts):
        raise RecordError(f'{path}: has starts without a scene_seed, as of a real robot: a '
                          'simulation cannot set them')
    return found


def _plain(path: str | Path) -> Any:
    try:
        return read_record(path)
    except OSError as error:
        raise RecordError(f'{path}: {error.strerror}: inril failures RUN writes a list') from error


def in_words(start: PractisedStart, list_path: str | Path) -> str:
    """Return what a person is to set."""
    shown = ', '.join(f'{camera}: {Path(list_path).parent / name}'
                      for camera, name in sorted(start.pictures.items()))
    return '; '.join(filter(None, (
        f'set the scene as in group {start.group + 1}', shown and f'as in {shown}', start.about)))
