# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder of a run: its files, its settings and its finished stages.

::

    run.json        settings of the run          contract.yaml   copy of the robot contract (and
                                                                 of the URDF that it names)
    stages.json     finished stages, seconds     logs/<stage>/<node>.log
    graph.json      while a graph of the run is up: where it is (data/run/graph_place.py)
    settings.json   what each stage uses, and where each value comes from
    recording.json  attempts, digest of the bags; recording.jsonl: each attempt
    demonstrations/ bags                         pretrained/     cloned model, pretrain.json
    cameras/        what the cameras showed in the demonstrations (data/cameras/view_folder.py)
    finetune/       episodes.jsonl metrics.jsonl weights.jsonl result.json journal/ model/
                    journal/gate.jsonl: what the safety gate did, and why
                    starts.jsonl: what the processes of each start counted
                    judgements.jsonl versions/ (judged models; model/ is the best of them)
    evaluations/    pretrained.json finetuned.json
    judge/          classifier of success: labels.jsonl training.json errors.png model/
                    attempts/: bags of the clone's attempts, for it to learn from
                    episodes.jsonl: what it said of each episode, and what was true
    tensorboard/    summary.json                 report.html
    robots/<name>/  the same for each of several robots of one learner: what its own stages have
                    noted, and its report; bags, journals and models are the run's

A run is never overwritten. It can be resumed, with the settings that it was started with.
"""

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from inril_ros.data.record_files import read_record, RecordError, write_json
from inril_ros.data.run.package_version import package_version
from inril_ros.data.run.settings import as_record, from_record, Settings
from inril_ros.robot.contract.contract import describe_difference, load_contract
from inril_ros.robot.contract.urdf_file import find_urdf
from inril_ros.robot.settings_check import checked

STAGES = ('record', 'pretrain', 'evaluate_pretrained', 'finetune', 'evaluate_finetuned')
_Stages = dict[Literal[STAGES], Annotated[float, Field(ge=0.0, allow_inf_nan=False)]]


class RunDirectoryError(RuntimeError):
    """The folder can't be used for the run; the message says why and what to do."""


@dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class RunSettings:
    """The settings that identify a run, in ``run.json``.

    Attributes:
        task: Name of the task.
        seed: Seed of everything random.
        contract: Path of the robot contract, as it was given.
        contract_hash: SHA-256 of the contract's content.
        run_id: UUID of the run.
        created: Time of creation, ISO 8601, UTC.
        package_version: Version of ``inril_ros``.
        simulation: Path of the simulation mapping; empty: a real arm; None: not noted, in runs of
            former versions.
        gazebo: Gazebo simulates it.
    """

    task: Annotated[str, Field(pattern=r'^[^\x00-\x1f\x7f]{1,200}$')]
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)]
    contract: Annotated[str, Field(min_length=1, max_length=4096)]
    contract_hash: Annotated[str, Field(pattern=r'^[0-9a-f]{64}$')]
    run_id: Annotated[str, Field(pattern=r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')]
    created: Annotated[str, Field(pattern=r'^[0-9T:.+-]{10,40}$')]
    package_version: Annotated[str, Field(pattern=r'^[0-9A-Za-z.+-]{1,60}$')]
    simulation: Annotated[str, Field(max_length=4096)] | None = None
    gazebo: Annotated[bool, Field(strict=True)] = False


def new_settings(task: str, seed: int, contract: str | Path) -> RunSettings:
    """Return the settings of a new run, without its robot.

    Raises:
        ContractError: The contract is invalid.
        RunDirectoryError: The task or the seed is.
    """
    return checked(RunSettings, {
        'task': task, 'seed': seed, 'contract': str(contract),
        'contract_hash': load_contract(contract).hash, 'run_id': str(uuid4()),
        'created': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'package_version': package_version()}, 'the new run', RunDirectoryError)


class RunDirectory:
    """The folder of an existing run, from ``create`` or ``open``.

    Args:
        path: The folder.
        settings: What is in its ``run.json``.
        robot: Name of one of several robots, whose records are meant; empty: the only one.

    Attributes:
        robot_name: The name of the robot, if it has one.
        records: Folder of the records of this robot's stages.
    """

    def __init__(self, path: Path, settings: RunSettings, robot: str = '') -> None:
        self.path = path
        self.settings = settings
        self.robot_name = (robot,) if robot else ()
        self.records = path / 'robots' / robot if robot else path
        self.contract = path / 'contract.yaml'
        self.demonstrations = path / 'demonstrations'
        self.recording = self.records / 'recording.json'
        self.attempts = self.records / 'recording.jsonl'
        self.used = self.records / 'settings.json'
        self.cameras = path / 'cameras'
        self.pretrained = path / 'pretrained'
        self.pretrain_record = self.pretrained / 'pretrain.json'
        self.judge = path / 'judge'
        self.judge_model = self.judge / 'model'
        self.clone_attempts = self.judge / 'attempts'
        self.finetune = path / 'finetune'
        self.config = self.finetune / 'config.yaml'
        self.finetuned = self.finetune / 'model'
        self.journal = self.finetune / 'journal' / robot
        noted = self.records / 'finetune'
        self.episodes = noted / 'episodes.jsonl'
        self.metrics = noted / 'metrics.jsonl'
        self.weights = noted / 'weights.jsonl'
        self.starts = noted / 'starts.jsonl'
        self.judgements = noted / 'judgements.jsonl'
        self.versions = noted / 'versions'
        self.result = noted / 'result.json'
        self.summary = self.records / 'summary.json'
        self.report = self.records / 'report.html'

    @classmethod
    def create(cls, path: str | Path, settings: RunSettings, resume: bool = False
               ) -> 'RunDirectory':
        """Begin a run, or with ``resume`` continue the existing one.

        Args:
            path: Folder of the run; it may exist, if empty.
            settings: Settings of the run. A resumed run keeps its id and date.
            resume: Continue the run in the folder, if there is one.

        Raises:
            RunDirectoryError: The folder has a run and ``resume`` is false, or its task, seed or
                contract differ, or it has other files.
        """
        path = Path(path)
        if (path / 'run.json').exists():
            if not resume:
                raise RunDirectoryError(f'{path} holds a run already: continue it with --resume, '
                                        'or take a new folder')
            return cls._resume(path, settings)
        # The contract is written before run.json: a folder with only a contract is a run that was
        # interrupted at its beginning.
        copies = _copies(Path(settings.contract))
        if path.exists() and any(entry.name not in {name.parts[0] for name in copies}
                                 for entry in path.iterdir()):
            raise RunDirectoryError(f'{path} is not empty and holds no run: take a new folder')
        for name, source in copies.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(source.read_bytes())
        write_json(path / 'run.json', asdict(settings))
        return cls(path, settings)

    @classmethod
    def open(cls, path: str | Path, robot: str = '') -> 'RunDirectory':
        """Return the run in a folder, with the records of one of several robots, if it is named.

        Raises:
            RunDirectoryError: There is no run, or its ``run.json`` can't be read.
        """
        path = Path(path)
        file = path / 'run.json'
        if not file.exists():
            there = 'there is no such folder' if not path.is_dir() else f'{file.name} is missing'
            raise RunDirectoryError(
                f'{path} holds no run: {there}. Give the folder of a run, or begin one there: '
                f'inril record {path} (demonstrations, then a clone), inril demo --run-dir {path} '
                '(all of it, simulated)')
        try:
            settings = checked(RunSettings, read_record(file), str(file), RunDirectoryError)
            return cls(path, settings, robot)
        except (RecordError, RunDirectoryError) as error:
            raise RunDirectoryError(f'{path} holds no run that can be read: {error}') from error

    @classmethod
    def _resume(cls, path: Path, settings: RunSettings) -> 'RunDirectory':
        run = cls.open(path)
        ours, theirs = asdict(settings), asdict(run.settings)
        different = [f'{key}: {ours[key]!r} asked for, {theirs[key]!r} in the run'
                     for key in ('task', 'seed') if ours[key] != theirs[key]]
        details = ''
        if ours['contract_hash'] != theirs['contract_hash']:
            different.append('the contract')
            details = '\nIn the contract (here: asked for, there: in the run):\n' + (
                describe_difference(load_contract(settings.contract), load_contract(run.contract)))
        if different:
            raise RunDirectoryError(
                f'{path} holds another run ({"; ".join(different)}): leave these options out, or '
                f'take a new folder{details}')
        return run

    def robots(self) -> list[str]:
        """Return the names of the robots that have records of their own."""
        place = self.path / 'robots'
        return sorted({str(file.parent.parent.relative_to(place))
                       for file in place.glob('**/finetune/episodes.jsonl')})

    def check_meaning(self) -> None:
        """Check that the run's contract means the numbers that its policies were made for.

        Raises:
            RunDirectoryError: It doesn't.
        """
        if self.settings.contract_hash == load_contract(self.contract).former_hash:
            raise RunDirectoryError(
                f'{self.path}: this run was begun before quaternions kept their sign within an '
                'episode: its policies take other numbers than are given now. Take a new folder; '
                f'the bags in {self.demonstrations} can be used there')

    def logs(self, stage: str) -> Path:
        """Return the folder of a stage's logs."""
        return self.path / 'logs' / stage

    def evaluation(self, name: str) -> Path:
        """Return the file of an evaluation: ``pretrained`` or ``finetuned``."""
        return self.records / 'evaluations' / f'{name}.json'

    def finished_stages(self) -> dict[str, float]:
        """Return the wall time [s] of each finished stage, in order of finishing.

        Raises:
            RecordError: The file is damaged.
        """
        file = self.records / 'stages.json'
        return checked(_Stages, read_record(file), str(file), RecordError) if file.exists() else {}

    def keep_settings(self, stage: str, settings: Settings) -> None:
        """Note what a stage uses, in place of what was noted before; nothing: it hasn't begun."""
        every = dict(read_record(self.used)) if self.used.exists() else {}
        every.pop(stage, None)
        if settings:
            every[stage] = as_record(settings)
        if every:
            write_json(self.used, every, replace=True)
        else:
            self.used.unlink(missing_ok=True)

    def stage_settings(self, stage: str) -> Settings:
        """Return what a stage has used; empty if that was not noted."""
        record = read_record(self.used) if self.used.exists() else {}
        return from_record(record.get(stage, {}), self.used)

    def finish_stage(self, stage: str, seconds: float, again: bool = False) -> None:
        """Mark a stage as finished, so that it is not repeated.

        Args:
            stage: Name of the stage.
            seconds: [s] Time that it took.
            again: It was finished before, and continued: the time is added.

        Raises:
            RunDirectoryError: The stage is finished already and ``again`` is false, or unknown.
        """
        finished = self.finished_stages()
        if stage not in STAGES:
            raise RunDirectoryError(f'unknown stage {stage!r}: one of {", ".join(STAGES)}')
        if stage in finished and not again:
            raise RunDirectoryError(f'{self.path}: stage {stage!r} is done already')
        write_json(self.records / 'stages.json', {
            **finished, stage: finished.get(stage, 0.0) + seconds}, replace=True)


def _copies(contract: Path) -> dict[Path, Path]:
    """Return the files that a run copies, the contract and its URDF, by their name in it."""
    kinematics = load_contract(contract).kinematics
    copies = {Path('contract.yaml'): contract}
    if kinematics is not None and not Path(kinematics.urdf).is_absolute():
        copies[Path(kinematics.urdf)] = find_urdf(kinematics, contract)
    return copies
