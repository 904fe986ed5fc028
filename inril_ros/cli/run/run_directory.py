# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder of a run: where everything is, what it was started with, which stages are done.

::

    run.json        what the run is              contract.yaml   copy of the robot contract (and
                                                                 of the URDF that it names)
    stages.json     finished stages, seconds     logs/<stage>/<node>.log
    recording.json  attempts, digest of the bags
    demonstrations/ bags                         pretrained/     cloned model, pretrain.json
    finetune/       episodes.jsonl metrics.jsonl weights.jsonl result.json journal/ model/
    evaluations/    pretrained.json finetuned.json
    tensorboard/    summary.json                 report.html

A run is never written over. It can be resumed, with the settings it was started with.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

from inril_ros.cli.run.version import package_version
from inril_ros.data.record_files import read_json, RecordError, write_json
from inril_ros.robot.contract.contract import describe_difference, load_contract

STAGES = ('record', 'pretrain', 'evaluate_pretrained', 'finetune', 'evaluate_finetuned')


class RunDirectoryError(RuntimeError):
    """A folder that can't be used for the run; the message says why and what to do."""


@dataclass(frozen=True)
class RunSettings:
    """What makes a run the run it is, in ``run.json``.

    Attributes:
        task: Name of the task.
        seed: Of everything random.
        contract: Path of the robot contract, as it was given.
        contract_hash: SHA-256 of the contract's content.
        run_id: UUID of the run.
        created: When, ISO 8601, UTC.
        package_version: Of ``inril_ros``.
    """

    task: str
    seed: int
    contract: str
    contract_hash: str
    run_id: str
    created: str
    package_version: str


def new_settings(task: str, seed: int, contract: str | Path) -> RunSettings:
    """Return the settings of a new run.

    Raises:
        ContractError: The contract can't be used.
    """
    return RunSettings(
        task=task, seed=seed, contract=str(contract), contract_hash=load_contract(contract).hash,
        run_id=str(uuid4()), created=datetime.now(timezone.utc).isoformat(timespec='seconds'),
        package_version=package_version())


class RunDirectory:
    """An existing run. ``create`` makes one, ``open`` finds one."""

    def __init__(self, path: Path, settings: RunSettings) -> None:
        self.path = path
        self.settings = settings
        self.contract = path / 'contract.yaml'
        self.demonstrations = path / 'demonstrations'
        self.recording = path / 'recording.json'
        self.pretrained = path / 'pretrained'
        self.pretrain_record = self.pretrained / 'pretrain.json'
        self.finetune = path / 'finetune'
        self.episodes = self.finetune / 'episodes.jsonl'
        self.metrics = self.finetune / 'metrics.jsonl'
        self.weights = self.finetune / 'weights.jsonl'
        self.journal = self.finetune / 'journal'
        self.finetuned = self.finetune / 'model'
        self.result = self.finetune / 'result.json'
        self.tensorboard = path / 'tensorboard'
        self.summary = path / 'summary.json'
        self.report = path / 'report.html'

    @classmethod
    def create(cls, path: str | Path, settings: RunSettings, resume: bool = False
               ) -> 'RunDirectory':
        """Begin a run, or with ``resume`` go on with the one that is there.

        Args:
            path: Its folder. It may exist, empty.
            settings: Of this run. Resuming keeps the run's own id and date.
            resume: A run may be there; if there is none, it is begun.

        Raises:
            RunDirectoryError: The folder holds a run and ``resume`` is false, or its task, seed
                or contract are others, or it holds something else.
        """
        path = Path(path)
        if (path / 'run.json').exists():
            if not resume:
                raise RunDirectoryError(f'{path} holds a run already: go on with --resume, or '
                                        'take a new folder')
            return cls._resume(path, settings)
        # The contract is written before run.json: a folder with a contract alone is a run whose
        # beginning was interrupted.
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
    def open(cls, path: str | Path) -> 'RunDirectory':
        """Return the run in a folder.

        Raises:
            RunDirectoryError: There is none, or its ``run.json`` can't be read.
        """
        path = Path(path)
        try:
            return cls(path, RunSettings(**read_json(path / 'run.json')))
        except (RecordError, TypeError) as error:
            raise RunDirectoryError(f'{path} holds no run that can be read: {error}') from error

    @classmethod
    def _resume(cls, path: Path, settings: RunSettings) -> 'RunDirectory':
        run = cls.open(path)
        ours, theirs = asdict(settings), asdict(run.settings)
        lines = [f'  {key}: {ours[key]!r} asked for, {theirs[key]!r} in the run'
                 for key in ('task', 'seed', 'contract_hash') if ours[key] != theirs[key]]
        if ours['contract_hash'] != theirs['contract_hash']:
            lines.append('in the contract (here: asked for, there: in the run)')
            lines.append(describe_difference(
                load_contract(settings.contract), load_contract(run.contract)))
        if lines:
            raise RunDirectoryError(f'{path} holds another run; these differ:\n'
                                    + '\n'.join(lines) + '\nTake a new folder for the new run.')
        return run

    def logs(self, stage: str) -> Path:
        """Return the folder of a stage's logs."""
        return self.path / 'logs' / stage

    def evaluation(self, name: str) -> Path:
        """Return the file of an evaluation: ``pretrained`` or ``finetuned``."""
        return self.path / 'evaluations' / f'{name}.json'

    def finished_stages(self) -> dict[str, float]:
        """Return the wall time [s] of each finished stage, in the order they were finished."""
        stages = self.path / 'stages.json'
        return read_json(stages) if stages.exists() else {}

    def finish_stage(self, stage: str, seconds: float) -> None:
        """Note that a stage is done; resuming leaves it out.

        Raises:
            RunDirectoryError: It is done already, or unknown.
        """
        finished = self.finished_stages()
        if stage not in STAGES:
            raise RunDirectoryError(f'unknown stage {stage!r}: one of {", ".join(STAGES)}')
        if stage in finished:
            raise RunDirectoryError(f'{self.path}: stage {stage!r} is done already')
        write_json(self.path / 'stages.json', {**finished, stage: seconds}, replace=True)


def _copies(contract: Path) -> dict[Path, Path]:
    """Return what a run keeps a copy of: the contract, and the URDF beside it; by name in it."""
    kinematics = load_contract(contract).kinematics
    copies = {Path('contract.yaml'): contract}
    if kinematics is not None and not Path(kinematics.urdf).is_absolute():
        copies[Path(kinematics.urdf)] = contract.parent / kinematics.urdf
    return copies
