# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any Gymnasium id as a simulated robot, with contract and mapping made from its spaces.

A vector observation becomes one observation of the contract; a dictionary (as in the goal
environments of Gymnasium-Robotics) becomes one for each of its vectors, in the order of the names.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib import import_module
import re

import gymnasium
import numpy as np

from inril_ros.bench.task import StudyError, Task
from inril_ros.robot.contract.contract import Contract, parse_contract
from inril_ros.sim.gymnasium_robot import GymnasiumRobot
from inril_ros.sim.mapping import GymnasiumMapping, parse_mapping
from inril_ros.sim.opengl import prefer_headless_opengl
from inril_ros.sim.simulated_robot import SimulatedRobot

_NAME = 'environment'
_CAMERA = 'render'
_SUCCESS_KEYS = ('is_success', 'success')
_RATE = 50.0  # Hz, if the environment doesn't have its own
_MOST_TICKS = 1000  # if an id has no time limit


def described(task: Task) -> tuple[Contract, int, Callable[[Contract], SimulatedRobot]]:
    """Return the contract, time limit [ticks] and constructor of the robot of a Gymnasium id.

    If the task asks for images, the contract has one camera, ``render``, with the size of the
    environment's own pictures.

    Raises:
        StudyError: The id can't be made, has spaces that aren't vectors, or reports no success.
    """
    prefer_headless_opengl()
    for module in task.modules:
        import_module(module)
    try:
        environment = gymnasium.make(task.id, disable_env_checker=True, **_arguments(task))
    except Exception as error:  # an environment's constructor may raise anything
        raise StudyError(f'task {task.id}: gymnasium cannot make it: '
                         f'{type(error).__name__}: {error}') from error
    try:
        contract = parse_contract(_contract(task, environment), f'task {task.id}')
        mapping = parse_mapping(_mapping(task, environment), f'task {task.id}')
        limit = environment.spec.max_episode_steps or _MOST_TICKS
    finally:
        environment.close()
    assert isinstance(mapping, GymnasiumMapping)
    return contract, limit, partial(GymnasiumRobot, mapping, _NAME)


def _contract(task: Task, environment: gymnasium.Env) -> dict:
    space = environment.action_space
    if not (isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1
            and np.isfinite([space.low, space.high]).all()):
        raise StudyError(f'task {task.id}: the action space is {space}; '
                         'a Box with one axis and finite bounds is needed')
    parts = _parts(task, environment.observation_space)
    return {
        'name': _identifier(f'gymnasium_{task.id}'),
        'control_rate': _rate(environment),
        # One name for each number, as contracts describe vectors of any length.
        'observations': {name: {'topic': name, 'type': 'sensor_msgs/msg/JointState',
                                'joints': [f'{name}_{index}' for index in range(size)]}
                         for name, (_, size) in parts.items()},
        'policy_observations': list(parts),
        'actions': {'action': {
            'topic': 'action', 'type': 'std_msgs/msg/Float64MultiArray', 'field': 'data',
            'minimum': space.low.tolist(), 'maximum': space.high.tolist(), 'hold': 'last'}},
        'cameras': _cameras(task, environment),
        'episode': {'time_limit': 1.0},
    }


def _mapping(task: Task, environment: gymnasium.Env) -> dict:
    parts = _parts(task, environment.observation_space)
    # Without a time limit: the robot's constructor takes it.
    return {
        'simulator': 'gymnasium', 'contract': '', 'modules': list(task.modules),
        'tasks': {_NAME: {'environment': task.id, 'make': _arguments(task)}},
        'observations': {name: {'observation': path} for name, (path, _) in parts.items()},
        'actions': {'action': {'elements': [0, environment.action_space.shape[0]]}},
        'success': asdict(task.success) if task.success else {'info': _success_key(
            task, environment)},
        'failure': 'terminated', 'reward': task.reward,
        'cameras': {_CAMERA: {'render': 0}} if task.images else {},
    }


def _arguments(task: Task) -> dict:
    return task.make if task.images is None else {'render_mode': 'rgb_array', **task.make}


def _cameras(task: Task, environment: gymnasium.Env) -> dict:
    if task.images is None:
        return {}
    environment.reset(seed=0)
    try:
        height, width, _ = np.shape(environment.render())
    except Exception as error:  # an environment's renderer may raise, or return, anything
        raise StudyError(f'task {task.id}: renders no image: '
                         f'{type(error).__name__}: {error}') from error
    return {_CAMERA: {'topic': _CAMERA, 'width': width, 'height': height,
                      'rate': _rate(environment)}}


def _rate(environment: gymnasium.Env) -> float:
    period = getattr(environment.unwrapped, 'dt', None)
    return 1.0 / float(period) if period else _RATE


def _parts(task: Task, space: gymnasium.Space, path: str = '') -> dict[str, tuple[str, int]]:
    """Return the path in the observation and the length of each vector, by a name for it."""
    if isinstance(space, gymnasium.spaces.Dict):
        found: dict[str, tuple[str, int]] = {}
        for key, part in space.spaces.items():
            found |= _parts(task, part, f'{path}.{key}' if path else key)
        return found
    if not (isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1):
        raise StudyError(f'task {task.id}: observation {path!r} is {space}; '
                         'a Box with one axis is needed')
    return {_identifier(path or 'observation'): (path, space.shape[0])}


def _identifier(text: str) -> str:
    """Return the text as a name that contracts allow."""
    name = re.sub(r'[^a-z0-9_]', '_', text.lower())
    return name if name[0].isalpha() else f'x_{name}'


def _success_key(task: Task, environment: gymnasium.Env) -> str:
    environment.reset(seed=0)
    *_, info = environment.step(environment.action_space.low)
    for key in _SUCCESS_KEYS:
        if key in info:
            return key
    raise StudyError(f'task {task.id}: info has {sorted(info)}, and none of '
                     f'{list(_SUCCESS_KEYS)}: set `success`, which says what counts as success')
