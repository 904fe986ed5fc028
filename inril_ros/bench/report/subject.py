# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a report is about: the rows of finished runs, and what the studies' files say of them.

A published folder is read by the names in its rows, not by the hashes of its settings. So it
stays readable when a setting gets another default, is renamed or no longer exists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as settings

from inril_ros.bench.places import StudyPlace
from inril_ros.bench.report.curves import Curve, curves_of
from inril_ros.bench.report.wording import knobs
from inril_ros.bench.robot_time import RobotTime
from inril_ros.bench.study import load_study
from inril_ros.bench.task import StudyError, Task
from inril_ros.data.record_files import read_json_lines, RecordError
from inril_ros.robot.settings_check import checked
from inril_ros.robot.yaml_file import load_yaml

_NEEDED = {'task', 'host', 'arm', 'seed', 'm', 'point', 'env_steps', 'success', 'n', 'log',
           'config_hash', 'code_hash', 'weights_hash', 'torch'}


@settings(frozen=True, config=ConfigDict(extra='ignore'))
class _DescribedTask:
    id: str
    name: str | None = None


@settings(frozen=True, config=ConfigDict(extra='ignore'))
class _DescribedArm:
    name: str
    against: str | None = None
    session: dict[str, Any] = Field(default_factory=dict)
    pretrain: dict[str, Any] = Field(default_factory=dict)
    model: dict[str, Any] = Field(default_factory=dict)


@settings(frozen=True, config=ConfigDict(extra='ignore'))
class _Described:
    """What is needed of a study's file, of this version of the package or an earlier one."""

    name: str = ''
    notes: str = ''
    tasks: tuple[_DescribedTask, ...] = ()
    arms: tuple[_DescribedArm, ...] = ()
    seeds: tuple[int, ...] = ()
    missing: int = 0
    session: dict[str, Any] = Field(default_factory=dict)
    pretrain: dict[str, Any] = Field(default_factory=dict)
    model: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class StudiedArm:
    """An arm of a report.

    Attributes:
        name: Its name.
        host: Name of its RL host.
        against: Name of the arm it is compared with; None: it is a reference.
    """

    name: str
    host: str
    against: str | None


@dataclass(frozen=True)
class Subject:
    """All that a report is made from.

    Attributes:
        name: Name of the study.
        notes: The question, the expected result, known faults.
        rows: Rows of the finished runs.
        curves: The same, by run.
        arms: Arms with results.
        tasks: Labels of the tasks with results.
        conditions: For each task that a file describes, its demonstrations and changes.
        robot: The pace that steps and resets are converted to minutes with.
        missing: Number of planned runs that have no results.
        document: What the study's file says, to be published beside the rows.
    """

    name: str
    notes: str
    rows: tuple[Mapping[str, Any], ...]
    curves: tuple[Curve, ...]
    arms: tuple[StudiedArm, ...]
    tasks: tuple[str, ...]
    conditions: Mapping[str, str]
    robot: RobotTime
    missing: int
    document: Mapping[str, Any]

    @property
    def points(self) -> list[int]:
        """Evaluation points after the first update."""
        return sorted({row['point'] for row in self.rows} - {0})

    @property
    def shared_point(self) -> int:
        """The last evaluation point that every run reached."""
        return min(curve.rows[-1]['point'] for curve in self.curves)

    def of(self, arm: str) -> list[Curve]:
        """Return the runs of an arm."""
        return [curve for curve in self.curves if curve.arm == arm]


def read_subject(folders: Sequence[Path], name: str, against: str | None = None) -> Subject:
    """Read one study, or several as one.

    Args:
        folders: Folders of studies, or published ones; without a study.yaml the rows suffice.
        name: Name of the report if there are several folders, or none has a study.yaml.
        against: Arm to compare all others with; default: what the study says, or else RL only
            on the same host.

    Raises:
        StudyError: A folder has no results; or two of them have different runs or tasks of one
            name; or no arm has the name ``against``.
        RecordError: A file of results is damaged.
    """
    rows: list[Mapping[str, Any]] = []
    document: dict[str, Any] = {}
    for folder in folders:
        place = StudyPlace(folder)
        found = _rows(place)
        own = _described(place.study) if place.study.exists() else {}
        if not found:
            raise StudyError(f'{folder}: no run is finished; inril bench run starts or '
                             'continues them')
        if 'seeds' in own:
            planned = len(own.get('tasks', ())) * len(own.get('arms', ())) * len(own['seeds'])
            own['missing'] = max(0, planned - len({_key(row) for row in found}))
        rows = _joined_rows(rows, found, folder)
        document = own if len(folders) == 1 else _joined_studies(document, own, folder)
    robot = checked(RobotTime, document.get('robot', {}), 'robot', StudyError)
    rows = [{**row, **robot.minutes(row)} if 'episodes' in row else row for row in rows]
    curves = curves_of(rows)
    arms = {arm['name']: arm for arm in document.get('arms', ())}
    tasks = {_label(task): task for task in document.get('tasks', ())}
    subject = Subject(
        name if len(folders) > 1 else document.get('name', name),
        str(document.get('notes', '')).strip(), tuple(rows), tuple(curves),
        _arms(curves, {arm: each.get('against') for arm, each in arms.items()}, against),
        _in_order([*tasks, *(curve.task for curve in curves)], {curve.task for curve in curves}),
        {label: knobs(checked(Task, task, f'task {label}', StudyError))
         for label, task in tasks.items()}, robot, document.get('missing', 0), {})
    return replace(subject, document={**document, 'name': subject.name, 'arms': [
        {**arms.get(each.name, {'name': each.name}), 'against': each.against or each.name}
        for each in subject.arms]})


def _described(file: Path) -> dict[str, Any]:
    """Return what a study's file says, of which only what a report needs is checked."""
    found, lines = load_yaml(file, StudyError)
    checked(_Described, found, str(file), StudyError, lines)
    return found


def _joined_studies(one: Mapping[str, Any], other: Mapping[str, Any], folder: Path,
                    ) -> dict[str, Any]:
    """Return the tasks and arms of two studies, each arm with all settings it has in its study."""
    tasks = {_label(task): task for task in one.get('tasks', ())}
    for task in other.get('tasks', ()):
        if tasks.setdefault(_label(task), task) != task:
            raise StudyError(f'{folder}: task {_label(task)} has other settings than in another '
                             'folder; give one of them another name')
    arms = {arm['name']: arm for arm in one.get('arms', ())}
    for arm in other.get('arms', ()):
        arms.setdefault(arm['name'], {**arm, **{part: settings for part in (
            'session', 'pretrain', 'model')
            if (settings := {**other.get(part, {}), **arm.get(part, {})})}})
    return {'notes': '\n\n'.join(filter(None, (
        str(each.get('notes', '')).strip() for each in (one, other)))),
        'robot': one.get('robot', other.get('robot', {})),
        'missing': one.get('missing', 0) + other.get('missing', 0),
        'tasks': [*tasks.values()], 'arms': [*arms.values()]}


def _label(task: Mapping[str, Any]) -> str:
    return task.get('name') or task['id'].replace('/', '-')


def _rows(place: StudyPlace) -> list[dict[str, Any]]:
    if (place.folder / 'runs').exists():
        # What remains of a study that has changed since is told by the hash of the settings.
        return place.read_rows(load_study(place.study).runs())
    rows = read_json_lines(place.results)
    for number, row in enumerate(rows, start=1):
        missing = sorted(_NEEDED - row.keys())
        if missing:
            raise RecordError(f'{place.results}, line {number}: has no {", ".join(missing)}')
    return rows


def _key(row: Mapping[str, Any]) -> tuple:
    return row['task'], row['host'], row['arm'], row['seed']


def _joined_rows(rows: list[Mapping[str, Any]], more: list[dict[str, Any]], folder: Path,
                 ) -> list[Mapping[str, Any]]:
    """Return the rows of both; a run that both have counts once."""
    known = {_key(row): row['config_hash'] for row in rows}
    for row in more:
        if known.get(_key(row), row['config_hash']) != row['config_hash']:
            raise StudyError(f'{folder}: task {row["task"]}, arm {row["arm"]}, seed '
                             f'{row["seed"]} has other settings than in another folder; give '
                             'one of the arms another name')
    return [*rows, *(row for row in more if _key(row) not in known)]


def _arms(curves: Sequence[Curve], described: Mapping[str, str | None], against: str | None,
          ) -> tuple[StudiedArm, ...]:
    last = {curve.arm: curve.rows[-1] for curve in reversed(curves)}
    order = _in_order([*described, *(curve.arm for curve in curves)], last)
    if against is not None and against not in order:
        raise StudyError(f'no arm is named {against!r}; there are {", ".join(order)}')
    alone: dict[str, str] = {}
    for arm in order:
        if last[arm]['m'] is None and last[arm].get('control', 'none') == 'none':
            alone.setdefault(last[arm]['host'], arm)
    chosen = {arm: against or described.get(arm) or alone.get(last[arm]['host'])
              for arm in order}
    return tuple(StudiedArm(arm, last[arm]['host'], None if chosen[arm] == arm else chosen[arm])
                 for arm in order)


def _in_order(names: Sequence[str], kept: Any) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(names) if name in kept)
