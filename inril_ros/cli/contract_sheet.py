# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a contract says: all limits, boxes, home pose, teleoperation, and in red what is off.

What the file doesn't say, so that it is a default, has a star.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text
from urdf_parser_py.urdf import URDF

from inril_ros.cli.contract_defaults import Given
from inril_ros.robot.contract.contract import Action, Contract
from inril_ros.robot.contract.rules import MOST_REWARD
from inril_ros.robot.contract.urdf_file import find_urdf
from inril_ros.robot.motion.kinematics import tightened_by_urdf, urdf_of
from inril_ros.robot.motion.limits import limits_of
from inril_ros.robot.motion.switched_off import is_off, switched_off
from inril_ros.robot.motion.units import joint_unit, summed_up, value_units

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
    robot, given = urdf_of(contract, path), Given.of(path)
    console.print(_observations(contract, robot, given))
    for name, entry in contract.actions.items():
        console.print(f'{name}: {entry.topic}, {_about(name, entry, robot, given)}')
        console.print(_commanded(contract, name, robot, given))
    for line in (*_box(contract, path, robot), *_cameras(contract, given),
                 *_episode(contract, given), *_teleoperation(contract, given),
                 *_holding(contract, given), *notes):
        console.print(line)
    if given.lacking:
        console.print('* a default: the file does not say it')
    off = switched_off(contract)
    if off:
        console.print(Text('off:', style='bold red'))
    for line in off:
        console.print(Text(f'  {line}', style='red'))


def _observations(contract: Contract, robot: URDF | None, given: Given) -> Table:
    table = Table('observed', 'topic', 'type', 'values', 'unit', 'aligned', 'frozen after',
                  'policy')
    for name, entry in contract.observations.items():
        clock = '' if entry.clock == 'header' else ', at receive time'
        place = 'observations', name
        age = given.mark(f'<= {_seconds(entry.max_age)}', *place, 'max_age')
        table.add_row(name, entry.topic, entry.type.split('/')[-1], str(entry.length),
                      summed_up(value_units(entry, robot)),
                      f'{given.mark(entry.align, *place, "align")}, {age}{clock}',
                      f'{entry.frozen_after:g} s' if entry.frozen_after else '',
                      'yes' if name in contract.policy_observations else '')
    for name, derived in contract.derived.items():
        table.add_row(name, f'from {", ".join(derived.inputs)}', '', str(contract.length(name)),
                      '', '', '', 'yes' if name in contract.policy_observations else '')
    table.add_section()
    delay = contract.observation_delay
    table.add_row('policy observation', f'{delay:g} s before the tick' if delay else '', '',
                  str(contract.observation_size))
    return table


def _commanded(contract: Contract, name: str, robot: URDF | None, given: Given) -> Table:
    """Return an action's limits that are in effect: the URDF's where they are tighter."""
    entry, home = contract.actions[name], contract.home(name)
    own = limits_of(entry)
    limits = tightened_by_urdf(own, entry.joints, robot) if entry.commands_positions else own
    columns = [('from', None), ('to', None)]
    limited = {'from': 'minimum', 'to': 'maximum'}
    if entry.commands_positions:
        columns += [('speed, /s', 'velocity'), ('acceleration, /s²', 'acceleration'),
                    ('jerk, /s³', 'jerk')]
    elif entry.quantity != 'effort' or not entry.joints:  # a velocity
        columns += [('acceleration, /s', 'acceleration'), ('jerk, /s²', 'jerk')]
    table = Table('commanded', 'unit', *(title for title, _ in columns), 'home')
    units = value_units(entry, robot)
    for index, label in enumerate(_labels(entry)):
        cells = []
        for title, limit in columns:
            values = getattr(limits, limit or limited[title])
            text = _number(values[index])
            if limit and values[index] == getattr(own, limit)[index]:
                text = given.mark(text, 'actions', name, f'max_{limit}')
            cells.append(text)
        table.add_row(label, units[index], *cells,
                      _number(home[label]) if label in home else '')
    return table


def _labels(entry: Action) -> Sequence[str]:
    ends = [f'.{end}' for end in _ENDS] if entry.length == len(_ENDS) else [
        f'[{index}]' for index in range(entry.length)]
    return entry.joints or [f'{entry.field}{end}' for end in ends]


def _about(name: str, entry: Action, robot: URDF | None, given: Given) -> str:
    parts = [entry.type, f'{entry.quantity} of joints' if entry.joints else entry.field,
             given.mark(f'held by {entry.hold}', 'actions', name, 'hold')]
    if entry.commands_positions:
        lead = ', '.join(dict.fromkeys(
            f'{lead:g} {unit}' for lead, unit in zip(
                entry.leads, value_units(entry, robot), strict=True)))
        parts.append(given.mark(f'at most {lead}', 'actions', name, 'max_lead')
                     + ' ahead of the arm')
    if entry.horizon > 1:
        parts.append(f'{entry.horizon} points per message')
    if entry.max_effort:
        parts.append(f'effort {entry.max_effort:g} '
                     + summed_up(joint_unit(robot, joint, 'effort') for joint in entry.joints))
    if entry.position_minimum:
        parts.append('positions ' + ', '.join(
            f'{low:g}..{high:g}' for low, high in zip(
                entry.position_minimum, entry.position_maximum, strict=True)))
    return ', '.join(parts)


def _number(value: float) -> str:
    return 'unlimited' if abs(value) == float('inf') else f'{value:.6g}'


def _seconds(value: float) -> str:
    return 'off' if is_off(value) else f'{value:g} s'


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


def _cameras(contract: Contract, given: Given) -> Iterator[str]:
    if contract.cameras:
        yield 'cameras: ' + ', '.join(
            f'{name} {camera.width} x {camera.height} at {camera.rate:g} Hz on {camera.topic}'
            for name, camera in contract.cameras.items())
    seen = contract.policy_images
    if seen is not None:
        age = given.mark(f'{seen.max_age:g} s', 'policy_images', 'max_age')
        yield (f'the policy sees {", ".join(seen.cameras)} at {seen.width} x {seen.height}, at '
               f'most {age} old')


def _episode(contract: Contract, given: Given) -> Iterator[str]:
    rules = contract.episode

    def mark(text: str, key: str) -> str:
        return given.mark(text, 'episode', key)

    steps = []
    if rules.home:
        steps.append(f'home at {mark(f"{rules.home_speed:g}", "home_speed")} of the limits')
    if rules.reset_service:
        steps.append(f'{mark(rules.reset_service, "reset_service")} within '
                     f'{mark(_seconds(rules.reset_timeout), "reset_timeout")}')
    if rules.ready == 'person':
        steps.append("a person's ready")
    low, high = rules.reward
    rewards = '' if high == MOST_REWARD == -low else f', rewards from {low:g} to {high:g}'
    veto = f', which count after {_seconds(rules.veto)}' if rules.veto else ''
    yield (f'episode: {_seconds(rules.time_limit)}, verdicts on '
           f'{mark(rules.outcome_topic, "outcome_topic")} by '
           f'{mark(rules.judge or "any node", "judge")}{veto}{rewards}')
    yield f'reset: {", then ".join(steps)}'


def _teleoperation(contract: Contract, given: Given) -> Iterator[str]:
    rules = contract.teleoperation

    def mark(key: str, text: str = '') -> str:
        return given.mark(text or str(getattr(rules, key)), 'teleoperation', key)

    moved = [f'{action} by {topic}{part}' for action, topic, part in (
        (rules.joint_action, mark('joint_topic'), f' ({mark("leader")})'),
        (rules.twist_action, mark('twist_topic'), ''),
        (rules.rotation_action, mark('twist_topic'), ' (angular)'),
        (rules.gripper_action, mark('joy_topic'), f' axis {mark("gripper_axis")}')) if action]
    yield f'a person moves {", ".join(moved) or "nothing"}'
    buttons = [f'{name} {getattr(rules, f"{name}_button")}' for name in (
        'success', 'failure', 'discard', 'ready', 'start')
        if getattr(rules, f'{name}_button') >= 0]
    yield (f'takeover: {mark("takeover")}; on {mark("joy_topic")} the buttons '
           + ', '.join([f'dead man {mark("deadman_button")}', *buttons])
           + f'; commands at most {mark("max_age", f"{rules.max_age:g} s")} old, ramp '
           + mark('ramp', f'{rules.ramp:g} s'))


def _holding(contract: Contract, given: Given) -> Iterator[str]:
    rules = contract.safety

    def mark(key: str, text: str) -> str:
        return given.mark(text, 'safety', key)

    latch = mark('latch_after', _seconds(rules.latch_after))
    text = (f'held: policy older than {mark("max_policy_age", _seconds(rules.max_policy_age))}, '
            f'a gap of {mark("max_tick_gap", f"{rules.max_tick_gap:g} periods")}; '
            + ('a fault needs no person, however long it lasts (latch_after: off)'
               if is_off(rules.latch_after) else f'a fault that lasts {latch} needs a person'))
    if contract.cameras:
        text += f'; a camera silent for {mark("max_camera_age", _seconds(rules.max_camera_age))}'
        if rules.camera_frozen_after:
            frozen = mark('camera_frozen_after', _seconds(rules.camera_frozen_after))
            text += f' or frozen for {frozen}'
    yield text
