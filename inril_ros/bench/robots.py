# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The robot of a task: its contract and its simulations, with or without the task's shift.

Meta-World and described simulators come from ``config/simulations``; any other Gymnasium
environment is described from its spaces (``gymnasium_ids``), and is like them from there on.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from inril_ros.bench.task import Images, Shift, StudyError, Task
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.contract.policy_images import PolicyImages
from inril_ros.robot.motion.kinematics import URDF, urdf_of
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.mapping import (
    built_in_mapping,
    contract_file,
    find_task,
    load_mapping,
    time_limit_ticks,
)
from inril_ros.sim.simulated_robot import SimulatedRobot, SimulatedState


@dataclass(frozen=True)
class Bench:
    """What the episodes of a task need.

    Attributes:
        contract: The robot.
        time_limit: [ticks] Longest episode.
        open: Makes one simulation as it was demonstrated on.
        shift: What is different while fine-tuning and evaluating.
        urdf: Of the robot; None: its contract names none.
    """

    contract: Contract
    time_limit: int
    open: Callable[[], SimulatedRobot]
    shift: Shift
    urdf: URDF | None = None

    def open_shifted(self) -> SimulatedRobot:
        """Make one simulation as it is fine-tuned on."""
        robot = self.open()
        return robot if self.shift == Shift() else ShiftedRobot(robot, self.contract, self.shift)


def bench_of(task: Task) -> Bench:
    """Return what the episodes of a task need.

    Raises:
        MappingError: There is no such simulation or task, or it can't be made.
        StudyError: The shift or the images don't fit the robot.
    """
    if task.simulation == 'gymnasium':
        # Gymnasium is optional.
        from inril_ros.bench.gymnasium_ids import described

        contract, ticks, make = described(task)
        urdf = None
    else:
        path = mapping_file(task)
        mapping = load_mapping(path)
        entry = find_task(mapping, task.id, str(path))
        file = contract_file(path, mapping)
        contract = load_contract(file)
        urdf = urdf_of(contract, file)
        ticks = time_limit_ticks(entry, contract)
        make = partial(make_simulation, path, task.id)
    if task.time_limit is not None:
        ticks = max(1, round(task.time_limit * contract.control_rate))
    if task.images is not None:
        contract = _seen_through(contract, task.images)
    _check_bias(task.shift, contract)
    return Bench(contract, ticks, partial(make, contract), task.shift, urdf)


def mapping_file(task: Task) -> Path:
    """Return the simulation mapping of a task, given by its name or its path."""
    path = Path(task.simulation)
    return path if path.is_file() else built_in_mapping(task.simulation)


class ShiftedRobot:
    """A robot that differs from the one that was demonstrated on; a SimulatedRobot.

    A gain scales what is commanded about the middle of its range, which is rest. With a latency
    the first ticks of an episode execute rest, too.
    """

    def __init__(self, robot: SimulatedRobot, contract: Contract, shift: Shift) -> None:
        self._robot = robot
        self._rest = 0.5 * (contract.action_minimum + contract.action_maximum)
        self._gain = shift.action_gain
        self._latency = shift.latency
        self._bias = shift.observation_bias
        self._waiting: deque[np.ndarray] = deque()

    @property
    def period(self) -> float:
        """[s] Simulated time of one step."""
        return self._robot.period

    def reset(self, seed: int) -> SimulatedState:
        """Begin an episode."""
        self._waiting = deque([self._rest] * self._latency)
        return self._observed(self._robot.reset(seed))

    def step(self, action: np.ndarray) -> SimulatedState:
        """Apply the action that is due: (A,) in contract units."""
        self._waiting.append(self._rest + self._gain * (action - self._rest))
        return self._observed(self._robot.step(self._waiting.popleft()))

    def image(self, camera: str) -> np.ndarray:
        """Return the present image of a camera."""
        return self._robot.image(camera)

    def close(self) -> None:
        """Release the simulator."""
        self._robot.close()

    def _observed(self, state: SimulatedState) -> SimulatedState:
        values = {name: value + np.asarray(self._bias[name]) if name in self._bias else value
                  for name, value in state.values.items()}
        return SimulatedState(values, state.outcome, state.reward)


def _seen_through(contract: Contract, images: Images) -> Contract:
    """Return the robot with what a task's policy sees in place of what its own would see."""
    slowest = max((1.0 / camera.rate for camera in contract.cameras.values()), default=0.0)
    try:
        return replace(
            contract,
            policy_observations=images.observations or contract.policy_observations,
            policy_images=PolicyImages(images.cameras, images.size, images.size,
                                       max_age=max(PolicyImages.max_age, slowest)))
    except ValidationError as error:
        raise StudyError('images: ' + '; '.join(
            item['msg'].removeprefix('Value error, ') for item in error.errors())) from error


def _check_bias(shift: Shift, contract: Contract) -> None:
    for name, bias in shift.observation_bias.items():
        if name not in contract.observations:
            raise StudyError(f'shift.observation_bias: {name!r} is no observation of '
                             f'{contract.name!r}; it has {sorted(contract.observations)}')
        length = contract.observations[name].length
        if np.size(bias) not in (1, length):
            raise StudyError(f'shift.observation_bias.{name}: has {np.size(bias)} values, '
                             f'1 or {length} are needed')
