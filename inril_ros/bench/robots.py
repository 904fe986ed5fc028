# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The robot of a task: its contract and its simulations, with or without the task's shift.

Meta-World and other mapped simulators come from ``config/simulations``; the mapping of any other
Gymnasium environment is made from its spaces (``gymnasium_ids``).
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
from inril_ros.robot.contract.streams import PolicyImages
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
    """The robot and the episodes of a task.

    Attributes:
        contract: The robot's contract.
        time_limit: Longest episode [ticks].
        open: Function that makes a simulation without the shift, as for demonstrations.
        shift: What differs in fine-tuning and evaluation.
        urdf: The robot's URDF; None: its contract names none.
    """

    contract: Contract
    time_limit: int
    open: Callable[[], SimulatedRobot]
    shift: Shift
    urdf: URDF | None = None

    def open_shifted(self) -> SimulatedRobot:
        """Make a simulation with the shift, as for fine-tuning."""
        robot = self.open()
        return robot if self.shift == Shift() else ShiftedRobot(robot, self.contract, self.shift)


def bench_of(task: Task) -> Bench:
    """Return the robot and the episodes of a task.

    Raises:
        MappingError: The simulation or task is unknown, or can't be made.
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
        contract = _with_images(contract, task.images)
    _check_bias(task.shift, contract)
    return Bench(contract, ticks, partial(make, contract), task.shift, urdf)


def mapping_file(task: Task) -> Path:
    """Return the simulation mapping of a task, given by its name or its path."""
    path = Path(task.simulation)
    return path if path.is_file() else built_in_mapping(task.simulation)


class ShiftedRobot:
    """A SimulatedRobot that differs from the one of the demonstrations.

    The gain scales commands about the middle of their range, which means rest. With a latency,
    the first ticks of an episode execute rest.
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
        """Simulated time of one step [s]."""
        return self._robot.period

    def reset(self, seed: int) -> SimulatedState:
        """Begin an episode."""
        self._waiting = deque([self._rest] * self._latency)
        return self._observed(self._robot.reset(seed))

    def step(self, action: np.ndarray) -> SimulatedState:
        """Take an action (A,) in contract units, and apply the one that is due."""
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
        return replace(state, values=values)


def _with_images(contract: Contract, images: Images) -> Contract:
    """Return the contract with the observations and images of the task's policy."""
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
            raise StudyError(f'shift.observation_bias: {contract.name!r} has no '
                             f'observation {name!r}, only {sorted(contract.observations)}')
        length = contract.observations[name].length
        if np.size(bias) not in (1, length):
            raise StudyError(f'shift.observation_bias.{name}: has {np.size(bias)} values, '
                             f'1 or {length} are needed')
