# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any Gymnasium environment as a simulated robot, described by a mapping.

What can't be known before the environment has run (lengths, keys) is checked at the first reset,
with errors that name the key of the mapping.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import gymnasium
import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.mapping import find_task, GymnasiumMapping, MappingError, Source
from inril_ros.sim.simulated_robot import Outcome, SimulatedRobot, SimulatedState


class GymnasiumRobot(SimulatedRobot):
    """A robot in a Gymnasium environment.

    After an environment has ended its behaviour is undefined. A step then changes nothing: the
    last state is returned until the next reset.

    Raises:
        MappingError: The mapping, the contract and the environment don't fit together.
    """

    def __init__(self, mapping: GymnasiumMapping, task: str, contract: Contract) -> None:
        super().__init__(contract)
        entry = find_task(mapping, task)
        _same_names('observations', mapping.observations, contract.observations, contract.name)
        _same_names('actions', mapping.actions, contract.actions, contract.name)
        self._mapping = mapping
        for module in mapping.modules:
            import_module(module)
        try:
            # -1: the time limit is the contract's, not that of the registered id. The checker
            # would warn about what a mapping allows, such as several images.
            self._env = gymnasium.make(
                entry.environment, max_episode_steps=-1, disable_env_checker=True, **entry.make)
        except ModuleNotFoundError:
            raise
        except Exception as error:  # whatever an environment's constructor may raise
            raise MappingError(f'tasks.{task}: {entry.environment} cannot be made: '
                               f'{type(error).__name__}: {error}') from error
        try:
            self._matrix, self._offset = self._action_map()
        except MappingError:
            self._env.close()
            raise

    def _begin(self, seed: int) -> SimulatedState:
        with _numpy_seed(seed):
            self._observation, info = self._env.reset(seed=seed)
        self._ended = False
        self._state = SimulatedState(self._values(info), 'none', 0.0)
        return self._state

    def _apply(self, action: np.ndarray) -> SimulatedState:
        if self._ended:
            return self._state
        space = self._env.action_space
        command = np.clip(self._matrix @ action + self._offset, space.low, space.high)
        self._observation, reward, terminated, truncated, info = self._env.step(
            command.astype(space.dtype))
        outcome = self._outcome(float(reward), terminated, info)
        if self._mapping.reward == 'sparse':
            reward = float(outcome == 'success')
        self._state = SimulatedState(
            self._values(info), outcome, float(reward), outcome == 'success')
        self._ended = bool(terminated or truncated)
        return self._state

    def _draw(self, camera: str, height: int, width: int) -> np.ndarray:
        if camera not in self._mapping.cameras:
            raise MappingError(f'cameras: no entry for {camera!r} of contract '
                               f'{self._contract.name!r}; entries are '
                               f'{sorted(self._mapping.cameras)}')
        if not self._ready:
            raise RuntimeError('reset the simulation before the first image')
        entry = self._mapping.cameras[camera]
        if entry.observation is not None:
            image = _look_up(self._observation, entry.observation, f'cameras.{camera}')
        else:
            image = self._env.render()
            images = image if isinstance(image, (list, tuple)) else [image]
            if entry.render >= len(images):
                raise MappingError(f'cameras.{camera}.render: is {entry.render}, but render() '
                                   f'gives {len(images)} image(s)')
            image = images[entry.render]
        image = np.asarray(image)
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            raise MappingError(
                f'cameras.{camera}: the environment gives {image.shape} {image.dtype}, '
                f'the contract {(height, width, 3)} uint8: adapt its width and height')
        return image

    def close(self) -> None:
        """Release the simulator."""
        super().close()
        self._env.close()

    def _action_map(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the matrix (E, A) and the offset (E,) that give the environment's action."""
        space = self._env.action_space
        if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
            raise MappingError(f'the action space is {space}, a Box with one axis is needed')
        matrix = np.zeros((space.shape[0], self._contract.action_size))
        offset = np.zeros(space.shape[0])
        free = set(range(space.shape[0]))
        for name, entry in self._contract.actions.items():
            target = self._mapping.actions[name]
            rows = range(*target.elements)
            if len(rows) != entry.length:
                raise MappingError(f'actions.{name}.elements: has {len(rows)} elements, '
                                   f'the action has {entry.length} values')
            if not free.issuperset(rows):
                raise MappingError(f'actions.{name}.elements: {list(target.elements)} is beyond '
                                   f'the {space.shape[0]} elements, or used twice')
            free.difference_update(rows)
            matrix[rows, range(*self._contract.action_slice(name).indices(len(matrix.T)))] = (
                target.scale)
            offset[rows] = target.offset
        return matrix, offset

    def _values(self, info: dict) -> dict[str, np.ndarray]:
        values = {}
        for name, entry in self._contract.observations.items():
            source = self._mapping.observations[name]
            value = self._read(source, info, f'observations.{name}')
            if value.shape != (entry.length,):
                raise MappingError(f'observations.{name}: the environment gives {value.size} '
                                   f'values, the contract {entry.length}')
            values[name] = value * source.scale + source.offset
        return values

    def _read(self, source: Source, info: dict, key: str) -> np.ndarray:
        if source.joints:
            value = self._joints(source, key)
        elif source.info is not None:
            value = _look_up(info, source.info, f'{key}.info')
        else:
            value = _look_up(self._observation, source.observation, f'{key}.observation')
        # A copy, because some environments return views of memory that they overwrite.
        value = np.array(value, dtype=np.float64).reshape(-1)
        return value if source.elements is None else value[slice(*source.elements)]

    def _joints(self, source: Source, key: str) -> list[float]:
        model = getattr(self._env.unwrapped, 'model', None)
        data = getattr(self._env.unwrapped, 'data', None)
        if model is None or data is None:
            raise MappingError(f'{key}.joints: the environment has no MuJoCo model and data')
        try:
            joints = [model.joint(name) for name in source.joints]
        except KeyError as error:
            raise MappingError(f'{key}.joints: {error.args[0]}') from error
        if source.quantity == 'position':
            return [data.qpos[joint.qposadr[0]] for joint in joints]
        return [data.qvel[joint.dofadr[0]] for joint in joints]

    def _outcome(self, reward: float, terminated: bool, info: dict) -> Outcome:
        rule = self._mapping.success
        if rule.info is not None:
            success = bool(_look_up(info, rule.info, 'success.info'))
        elif rule.reward is not None:
            success = reward >= rule.reward
        else:
            success = terminated and reward >= rule.terminated_with_reward
        if success:
            return 'success'
        return 'failure' if terminated and self._mapping.failure == 'terminated' else 'none'


def _same_names(key: str, mapped: dict, wanted: dict, contract: str) -> None:
    missing, unknown = sorted(wanted.keys() - mapped.keys()), sorted(mapped.keys() - wanted.keys())
    if missing or unknown:
        raise MappingError(f'{key}: missing {missing}, unknown {unknown}; contract {contract!r} '
                           f'has {sorted(wanted)}')


def _look_up(data: Any, path: str, key: str) -> Any:
    """Return the value at keys joined by dots in nested dictionaries; all of it if empty."""
    for part in path.split('.') if path else ():
        if not isinstance(data, dict) or part not in data:
            found = sorted(data) if isinstance(data, dict) else type(data).__name__
            raise MappingError(f'{key}: {path!r} is not there: no {part!r} in {found}')
        data = data[part]
    return data


@contextmanager
def _numpy_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator within a block.

    Against Gymnasium's rules some environments draw their start state from it (gym-hil's cube);
    without this their episodes could not be repeated.
    """
    state = np.random.get_state()
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        np.random.set_state(state)
