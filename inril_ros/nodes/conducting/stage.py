# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One stage of one robot beside running nodes, from its beginning to its end in the run's records.

Two processes never work on the records of one robot at once. A stage that was interrupted goes on
where it stopped; one that is finished is not repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
import time
from types import TracebackType
from typing import Any

from inril_ros.data.record_files import read_json_lines
from inril_ros.data.run.evaluation_blocks import EvaluationBlocks
from inril_ros.data.run.run_directory import RunDirectory, RunDirectoryError
from inril_ros.data.run.settings import (
    DEMONSTRATIONS,
    ENV_STEPS,
    EVALUATION_EPISODES,
    flat,
    nested,
    Setting,
    Settings,
)
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.reporting import Reporter
from inril_ros.nodes.conducting.conducted_run import ConductedRun, require
from inril_ros.nodes.conducting.demonstrations import record_demonstrations
from inril_ros.nodes.conducting.evaluation import (
    evaluate_episodes,
    evaluation_facts,
    evaluation_file,
    say_what_is_known,
)
from inril_ros.nodes.conducting.finetuning import FineTuning
from inril_ros.robot.yaml_file import load_yaml
from inril_ros.transport.folder_lock import FolderLock

_PARAMETER = 'parameter'  # where a setting comes from
_DEFAULTS = {'demonstrations': DEMONSTRATIONS, 'evaluation_episodes': EVALUATION_EPISODES,
             'env_steps': ENV_STEPS}
STAGES = ('record', 'evaluate', 'finetune')


@dataclass(frozen=True)
class NodeOptions:
    """The options of a stage, from parameters, what the run has noted, and defaults.

    Attributes are those of StageOptions.
    """

    simulation: str
    demonstrations: int
    env_steps: int
    evaluation_episodes: int
    evaluation: Mapping[str, int]
    reset_seconds: float
    synchronous: bool
    starts: str = ''
    session: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: RunDirectory, values: Mapping[str, Any]) -> 'NodeOptions':
        """Return the options for the parameters of the node; 0 means: not given.

        Raises:
            ValueError: A parameter or the settings of the run are wrong.
        """
        def number(name: str, given: int, *stages: str) -> int:
            noted = (run.stage_settings(stage) for stage in stages)
            known = (used[name].value for used in noted if name in used)
            return given or next(known, _DEFAULTS[name])

        stage, episodes = values['stage'], values['episodes']
        blocks = EvaluationBlocks(values['evaluation_every'], values['evaluation_episodes'])
        session = load_yaml(run.config, ValueError)[0] or {} if run.config.exists() else {}
        return cls(
            simulation=values['simulation'], reset_seconds=values['reset_seconds'],
            synchronous=values['synchronous'], session=session,
            demonstrations=number('demonstrations', episodes * (stage == 'record'), 'record'),
            env_steps=number('env_steps', values['env_steps'], 'finetune'),
            evaluation_episodes=number(
                'evaluation_episodes', episodes * (stage == 'evaluate'), 'evaluate_finetuned',
                'evaluate_pretrained'),
            evaluation={'every': blocks.every, 'episodes': blocks.episodes})

    def settings(self, *names: str) -> Settings:
        """Return options by their names, as a run notes them."""
        values = nested({name: getattr(self, name) for name in names})
        return {name: Setting(value, _PARAMETER) for name, value in flat(values)}


_USED = {
    'record': ('simulation', 'demonstrations'),
    'evaluate': ('simulation', 'evaluation_episodes'),
    'finetune': ('simulation', 'env_steps', 'session', 'evaluation', 'synchronous',
                 'reset_seconds'),
}


def opened(path: str, robot: str) -> RunDirectory:
    """Return the run in a folder, with the records of a robot.

    Raises:
        RunDirectoryError: There is none.
    """
    if not path:
        raise RunDirectoryError('the parameter run must name the folder of a run')
    run = RunDirectory.open(path, robot)
    run.check_meaning()
    return run


class Stage:
    """A stage whose records this process holds; as a context manager it lets go of them.

    Args:
        run: The run.
        name: ``record``, ``evaluate`` or ``finetune``.
        options: Its options.
        model: Folder of the model that is evaluated.

    Raises:
        FolderInUseError: Another process works on the records of this robot.
        ValueError: There is no such stage, or the model is none of the run.
        FileNotFoundError: What the stage needs is missing.

    Attributes:
        facts: What has come out of it.
    """

    def __init__(self, run: RunDirectory, name: str, options: NodeOptions, model: str) -> None:
        if name not in STAGES:
            raise ValueError(f'stage {name!r}: one of {", ".join(STAGES)}')
        self.run, self.options, self.kind = run, options, name
        self.model = _model_name(run, model) if name == 'evaluate' else ''
        if name == 'finetune':
            require(run.pretrained, 'pretrain first (inril pretrain)')
        self.name = f'evaluate_{self.model}' if self.model else name
        self.facts: dict[str, Any] = {}
        self.tuning: FineTuning | None = None
        self._lock = FolderLock(run.records, f'the stage {self.name}')

    def __enter__(self) -> 'Stage':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._lock.release()

    def listen(self, status: Any) -> None:
        """Note the status of a node."""
        if self.tuning is not None:
            self.tuning.listen(status)

    @property
    def done(self) -> bool:
        """Whether it was finished before, with as many episodes as are wanted."""
        if self.name not in self.run.finished_stages():
            return False
        return not self.model or len(evaluation_file(self.run, self.model).episodes) >= \
            self.options.evaluation_episodes


def run_stage(stage: Stage, conductor: Conductor, reporter: Reporter) -> None:
    """Run a stage in a running graph, unless it is done."""
    run, job = stage.run, ConductedRun(stage.run, stage.options, reporter)
    if stage.done:
        reporter.say(f'{stage.name}: done before')
        return
    began, again = time.monotonic(), stage.name in run.finished_stages()
    run.keep_settings(stage.name, stage.options.settings(*_USED[stage.kind]))
    if stage.kind == 'record':
        stage.facts = record_demonstrations(job, conductor)
    elif stage.kind == 'evaluate':
        file = evaluation_file(run, stage.model)
        say_what_is_known(job, file)
        evaluate_episodes(job, stage.model, file, conductor)
        stage.facts = evaluation_facts(file)
    else:
        stage.facts = _finetune(stage, job, conductor)
    run.finish_stage(stage.name, time.monotonic() - began, again)


def _finetune(stage: Stage, job: ConductedRun, conductor: Conductor) -> dict[str, Any]:
    with FineTuning(job) as tuning:
        stage.tuning = tuning
        if not tuning.judge.begins_with_the_clone and not read_json_lines(job.run.episodes):
            conductor.release_version()  # held for a judgement that is not wanted
        result = tuning.run(conductor)
        stage.tuning = None
        tuning.note(result)
    return {name: result[name] for name in ('env_steps', 'rl_updates', 'il_updates')}


def _model_name(run: RunDirectory, model: str) -> str:
    """Return the name of an evaluation by the folder of its model.

    Raises:
        ValueError: It is no model of the run.
    """
    place = Path(model).resolve()
    if place == run.pretrained.resolve():
        return 'pretrained'
    if place.is_relative_to(run.finetune.resolve()):
        return 'finetuned'
    raise ValueError(f'{model} is no model of the run {run.path}: give one of them, or let '
                     'somebody else ask for the episodes (without run)')
