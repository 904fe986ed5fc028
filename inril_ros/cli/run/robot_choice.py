# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which robot a stage runs on: a real arm, a simulation, or Gazebo.

A run notes its robot when it begins, and each stage what it ran on. An option that is left out
never changes the robot, so a real arm is not simulated, nor a simulated one commanded for real,
because somebody forgot it.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from inril_ros.cli.run.resources import find_configuration
from inril_ros.data.record_files import RecordError
from inril_ros.data.run.run_directory import RunDirectory, STAGES
from inril_ros.data.run.settings import DEFAULT, Setting, Settings, UsageError

FROM_RUN = 'the run'  # where a setting comes from
_BUILT_IN = 'metaworld'  # the simulation of a run for which none is named


@dataclass(frozen=True)
class RobotChoice:
    """A robot.

    Attributes:
        simulation: Path of the simulation mapping; empty: a real arm.
        gazebo: Gazebo simulates it.
    """

    simulation: str
    gazebo: bool = False

    def __str__(self) -> str:
        if not self.simulation:
            return 'a real arm'
        return f'{"Gazebo with" if self.gazebo else "the simulation"} {self.simulation}'


@dataclass(frozen=True)
class AskedRobot:
    """What the options say about the robot.

    Attributes:
        simulation: Name or path of a simulation mapping; empty: a real arm; None: not given.
        gazebo: Gazebo simulates it; False: not given.
        other: The stage is meant to run on another robot than the run's.
    """

    simulation: str | None = None
    gazebo: bool = False
    other: bool = False

    def own_contract(self) -> Path:
        """Return the contract that the simulation's mapping names, for a run without another.

        Raises:
            ResourceError: There is no such mapping.
            MappingError: It can't be used.
            UsageError: No simulation is asked for.
        """
        from inril_ros.sim.mapping import contract_file, load_mapping

        if self.simulation == '':
            raise UsageError("--simulation '': give the contract of the real arm (--contract)")
        path = find_configuration('simulations', self._name)
        return contract_file(path, load_mapping(path))

    @property
    def _name(self) -> str:
        return _BUILT_IN if self.simulation is None else self.simulation

    def of_new_run(self, task: str, contract: str | None) -> RobotChoice:
        """Return the robot of a run that begins.

        Args:
            task: Name of the task.
            contract: The robot contract that was given; None: the built-in simulation's.

        Raises:
            UsageError: It isn't said whether the contract's robot is real or simulated.
        """
        if self.simulation is None and contract is not None:
            raise UsageError(f"--contract {contract}: say what this robot is: --simulation '' for "
                             'a real arm, --simulation NAME for a simulation of it')
        return RobotChoice(mapping_path(self._name, task), self.gazebo)

    def of(self, run: RunDirectory, stage: str = '') -> RobotChoice:
        """Return the robot of a stage of a run; what isn't given is as in the run.

        Args:
            run: The run.
            stage: Name of the stage; empty: none that is noted in the run.

        Raises:
            UsageError: The options contradict the run, or neither says what the robot is.
        """
        begun = _noted(run, stage) if stage else None
        known = self._found(begun or robot_of(run))
        if known is None and self.simulation is None:
            raise UsageError(f"{run.path} has no note of its robot: give --simulation '' for a "
                             'real arm, --simulation NAME for a simulation')
        asked = self._completed(known, run.settings.task)
        if known in (None, asked):
            return asked
        if begun:
            raise UsageError(f'{run.path}: {stage} was begun on {known}, not on {asked}: leave '
                             '--simulation and --gazebo out, or take a new folder')
        if not self.other:
            raise UsageError(f'{run.path} is a run on {known}, not on {asked}: leave --simulation '
                             'and --gazebo out, or add --other-robot if that is what you want')
        return asked

    def _completed(self, known: RobotChoice | None, task: str) -> RobotChoice:
        """Return the robot that is asked for; what isn't given is that of the known one."""
        if self.simulation is None:
            assert known is not None
            return RobotChoice(known.simulation, known.gazebo or self.gazebo)
        path = mapping_path(self.simulation, task)
        same = known is not None and path == known.simulation
        return RobotChoice(path, self.gazebo or same and known.gazebo)

    def _found(self, known: RobotChoice | None) -> RobotChoice | None:
        """Return a noted robot with the place of its simulation mapping, which may have moved."""
        if known is None or not known.simulation or Path(known.simulation).exists():
            return known
        name = Path(known.simulation).stem
        if self.simulation and Path(self.simulation).stem == name:
            name = self.simulation
        return replace(known, simulation=str(find_configuration('simulations', name).resolve()))


def robot_of(run: RunDirectory) -> RobotChoice | None:
    """Return the robot that a run was begun on; None: that was not noted.

    Runs of former versions have it only in what their stages used.

    Raises:
        RecordError: These notes are damaged.
    """
    if run.settings.simulation is not None:
        return RobotChoice(run.settings.simulation, run.settings.gazebo)
    return next(filter(None, (_noted(run, stage) for stage in STAGES)), None)


def robot_settings(choice: RobotChoice, kept: Settings, origin: str) -> Settings:
    """Return a robot as settings of a job.

    Args:
        choice: The robot.
        kept: Settings of the run; where they have the same value, it comes from where it came.
        origin: Where it comes from otherwise.
    """
    settings = {'simulation': Setting(choice.simulation, origin),
                'gazebo': Setting(choice.gazebo, origin if choice.gazebo else DEFAULT)}
    return {name: kept[name] if name in kept and kept[name].value == setting.value else setting
            for name, setting in settings.items()}


def mapping_path(name: str, task: str) -> str:
    """Return the path of a simulation mapping after checking that it has the task.

    Raises:
        ResourceError: There is no such mapping.
        MappingError: It lacks the task.
    """
    if not name:
        return ''
    from inril_ros.sim.mapping import find_task, load_mapping

    path = find_configuration('simulations', name)
    find_task(load_mapping(path), task, str(path))
    return str(path.resolve())


def _noted(run: RunDirectory, stage: str) -> RobotChoice | None:
    """Return what a stage was begun on; None: that was not noted."""
    used = run.stage_settings(stage)
    if 'simulation' not in used:
        return None
    simulation = used['simulation'].value
    gazebo = used['gazebo'].value if 'gazebo' in used else False
    if not isinstance(simulation, str) or not isinstance(gazebo, bool):
        raise RecordError(f'{run.used}: {stage}: simulation must be a text, gazebo true or false')
    return RobotChoice(simulation, gazebo)
