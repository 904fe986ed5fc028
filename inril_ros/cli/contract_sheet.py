# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a contract says: all limits, boxes, home pose, teleoperation, and in red what is off."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from inril_ros.robot.contract.contract import Action, Contract
from inril_ros.robot.contract.rules import MOST_REWARD
from inril_ros.robot.contract.urdf_file import find_urdf
from inril_ros.robot.motion.kinematics import tightened_by_urdf, URDF, urdf_of
from inril_ros.robot.motion.limits import limits_of
from inril_ros.robot.motion.switched_off import switched_off

_WIDTH = 4096  # columns: nothing is cut off or wrapped, however narrow the terminal
_ENDS = 'xyz'


def print_contract(contract: Contract, path: Path, notes: Sequence[str] = ()) -> None:
    """Print a contract that was checked.

    Args:
        contract: The contract.
        path: Its file.
        notes: What is allowed but worth knowing.
    """
    console = Console(highlight=False, markup=False, width=_WIDTH)
    console.print(f'{path}: {contract.name}, {contract.control_rate:g} Hz, hash '
                  f'{contract.hash[:12]}')
    console.print(_observations(contract))
    robot = urdf_of(contract, path)
    for name, entry in contract.actions.items():
        console.print(f'{name}: {entry.topic}, {_about(entry)}')
        console.print(_commanded(contract, name, robot))
    for line in (*_box(contract, path, robot), *_cameras(contract), *_episode(contract),
                 *_teleoperation(contract), *_holding(contract), *notes):
        console.print(line)
    off = switched_off(contract)
    if off:
        console.print(Text('off:', style='bold red'))
    for line in off:
        console.print(Text(f'  {line}', style='red'))


def _observations(contract: Contract) -> Table:
    table = Table('observed', 'topic', 'type', 'values', 'aligned', 'frozen after', 'policy')
    for name, entry in contract.observations.items():
        clock = '' if entry.clock == 'header' else ', at receive time'
        table.add_row(name, entry.topic, entry.type.split('/')[-1], str(entry.length),
                      f'{entry.align}, <= {entry.max_age:g} s{clock}',
                      f'{entry.frozen_after:g} s' if entry.frozen_after else '',
                      'yes' if name in contract.policy_observations else '')
    for name, derived in contract.derived.items():
        table.add_row(name, f'from {", ".join(derived.inputs)}', '', str(contract.length(name)),
                      '', '', 'yes' if name in contract.policy_observations else '')
    table.add_section()
    delay = contract.observation_delay
    table.add_row('policy observation', f'{delay:g} s before the tick' if delay else '', '',
                  str(contract.observation_size))
    return table


def _commanded(contract: Contract, name: str, robot: URDF | None) -> Table:
    """Return an action's limits that are in effect: the URDF's where they are tighter."""
    entry, home = contract.actions[name], contract.home(name)
    limits = limits_of(entry)
    if entry.commands_positions:
        limits = tightened_by_urdf(limits, entry.joints, robot)
    table = Table('commanded', 'from', 'to', 'speed', 'acceleration', 'jerk', 'home')
    for index, label in enumerate(_labels(entry)):
        table.add_row(label, *(_number(values[index]) for values in (
            limits.minimum, limits.maximum, limits.velocity, limits.acceleration, limits.jerk)),
            _number(home[label]) if label in home else '')
    return table


def _labels(entry: Action) -> Sequence[str]:
    ends = [f'.{end}' for end in _ENDS] if entry.length == len(_ENDS) else [
        f'[{index}]' for index in range(entry.length)]
    return entry.joints or [f'{entry.field}{end}' for end in ends]


def _about(entry: Action) -> str:
    parts = [entry.type, f'{entry.quantity} of joints' if entry.joints else entry.field,
             f'held by {entry.hold}']
    if entry.commands_positions:
        parts.append(f'at most {entry.max_lead:g} ahead of the arm')
    if entry.horizon > 1:
        parts.append(f'{entry.horizon} points per message')
    if entry.max_effort:
        parts.append(f'effort {entry.max_effort:g}')
    if entry.position_minimum:
        parts.append('positions ' + ', '.join(
            f'{low:g}..{high:g}' for low, high in zip(
                entry.position_minimum, entry.position_maximum, strict=True)))
    return ', '.join(parts)


def _number(value: float) -> str:
    return 'unlimited' if abs(value) == float('inf') else f'{value:.6g}'


def _box(contract: Contract, path: Path, robot: URDF | None) -> Iterator[str]:
    box = contract.workspace
    if box is not None:
        what = [', '.join(box.links)] if box.links else []
        if box.action:
            what.append(f'{box.observation}, which {box.action} moves')
        frame = f' in {robot.get_root()}' if robot is not None and box.links else ''
        yield f'box{frame} around {" and ".join(what)}: ' + ', '.join(
            f'{end} {low:g}..{high:g} m'
            for end, low, high in zip(_ENDS, box.minimum, box.maximum, strict=True))
    if contract.kinematics is not None:
        yield f'URDF: {find_urdf(contract.kinematics, path)}'


def _cameras(contract: Contract) -> Iterator[str]:
    if contract.cameras:
        yield 'cameras: ' + ', '.join(
            f'{name} {camera.width} x {camera.height} at {camera.rate:g} Hz on {camera.topic}'
            for name, camera in contract.cameras.items())
    seen = contract.policy_images
    if seen is not None:
        yield (f'the policy sees {", ".join(seen.cameras)} at {seen.width} x {seen.height}, at '
               f'most {seen.max_age:g} s old')


def _episode(contract: Contract) -> Iterator[str]:
    rules = contract.episode
    steps = []
    if rules.home:
        steps.append(f'home at {rules.home_speed:g} of the limits')
    if rules.reset_service:
        steps.append(f'{rules.reset_service} within {rules.reset_timeout:g} s')
    if rules.ready == 'person':
        steps.append("a person's ready")
    low, high = rules.reward
    rewards = '' if high == MOST_REWARD == -low else f', rewards from {low:g} to {high:g}'
    yield (f'episode: {rules.time_limit:g} s, verdicts on {rules.outcome_topic} by '
           f'{rules.judge or "any node"}{rewards}')
    yield f'reset: {", then ".join(steps)}'


def _teleoperation(contract: Contract) -> Iterator[str]:
    rules = contract.teleoperation
    moved = [f'{action} by {topic}{part}' for action, topic, part in (
        (rules.joint_action, rules.joint_topic, f' ({rules.leader})'),
        (rules.twist_action, rules.twist_topic, ''),
        (rules.rotation_action, rules.twist_topic, ' (angular)'),
        (rules.gripper_action, rules.joy_topic, f' axis {rules.gripper_axis}')) if action]
    yield f'a person moves {", ".join(moved) or "nothing"}'
    buttons = [f'{name} {getattr(rules, f"{name}_button")}' for name in (
        'success', 'failure', 'discard', 'ready', 'start')
        if getattr(rules, f'{name}_button') >= 0]
    yield (f'takeover: {rules.takeover}; on {rules.joy_topic} the buttons '
           + ', '.join([f'dead man {rules.deadman_button}', *buttons])
           + f'; commands at most {rules.max_age:g} s old, ramp {rules.ramp:g} s')


def _holding(contract: Contract) -> Iterator[str]:
    rules = contract.safety
    text = (f'held: policy older than {rules.max_policy_age:g} s, a gap of '
            f'{rules.max_tick_gap:g} periods; a fault that lasts {rules.latch_after:g} s needs a '
            'person')
    if contract.cameras:
        text += f'; a camera silent for {rules.max_camera_age:g} s'
        if rules.camera_frozen_after:
            text += f' or frozen for {rules.camera_frozen_after:g} s'
    yield text
