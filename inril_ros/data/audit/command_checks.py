# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The commands of a bag held against a contract: limits, units, order, and what follows them."""

import numpy as np

from inril_ros.data.agreement.joint_order import joint_order
from inril_ros.data.audit.bag_values import BagValues, Track
from inril_ros.data.audit.finding import Finding
from inril_ros.data.audit.following import factor_finding, factor_of, MOVES, offset_finding
from inril_ros.robot.contract.contract import Action, Contract
from inril_ros.robot.position_units import is_far_outside, likely_units

_FEWEST = 10  # commands that tell something
#: A command counts as beyond a limit by this share of the limits' span.
_BEYOND = 0.01
#: Share of the commands beyond a limit that an import would change noticeably.
_MANY = 0.01
#: A measurement tells that another observation measures an action if it fits this much better.
_BETTER = 4.0
_SPEED_STEP = 0.05  # [s] between the positions that tell a speed
_LAGS = (0.0, 0.05, 0.1, 0.2, 0.4)  # [s] from a command to the motion


def check_commands(contract: Contract, name: str, found: BagValues) -> list[Finding]:
    """Check the commands of an action: decoding, limits, units, order.

    Args:
        contract: The robot's contract.
        name: The action.
        found: What the bag holds.
    """
    entry, key = contract.actions[name], f'actions.{name}'
    if entry.type not in found.types.get(found.in_bag(entry.topic), ()):
        return []
    if name not in found.points:
        reason = found.rejections.reasons.get(
            key, f'it names {sorted(found.names.get(entry.topic, ()))}')
        return [Finding('wrong', f'{key}: no command can be read, the first: {reason}',
                        'Write the joints that the messages carry, in their order'
                        if entry.joints else 'Correct the contract', 'decode')]
    findings = [partly_read(key, found)] if key in found.rejections.reasons else []
    points = np.array(found.points[name])
    for index, label in enumerate(entry.joints or map(str, range(entry.length))):
        values = points[~np.isnan(points[:, index]), index]
        if len(values):
            findings += _limits(f'{key}, {label}', values, entry, index)
        else:
            findings.append(Finding(
                'wrong', f'{key}: no message commands {label}; they name '
                f'{sorted(found.names.get(entry.topic, ()))}', 'Leave it out of the joints, or '
                'write its name as in the messages', 'joints'))
        if contract.places(name) and entry.commands_positions:
            findings += _measured_unit(contract, name, index, found)
    if not entry.joints:
        return findings
    times, commands = _whole(found.commands[name])
    findings += _order(contract, name, times, commands, found)
    if contract.places(name) and entry.quantity != 'effort' and len(times) >= _FEWEST:
        if entry.commands_positions:
            findings += _other_source(contract, name, times, commands, found)
        if not any(one.verdict == 'wrong' for one in findings):
            findings += _factors(contract, name, times, commands, found)
    return findings


def _whole(track: Track) -> tuple[np.ndarray, np.ndarray]:
    """Return times (T,) and values (T, n) of the commands from which on all joints have one."""
    if not track.times:
        return np.zeros(0), np.zeros((0, 0))
    times, values = track.series()
    known = ~np.isnan(values).any(axis=1)
    return times[known], values[known]


def _limits(what: str, values: np.ndarray, entry: Action, index: int) -> list[Finding]:
    """Check the values of a command against its limits, and the unit that they have."""
    low, high = entry.minimum[index], entry.maximum[index]
    least, most, margin = float(values.min()), float(values.max()), _BEYOND * (high - low)
    spread = f'{what}: commands {least:.4g}..{most:.4g}, limits {low:g}..{high:g}'
    if is_far_outside(least, most, low, high):
        units = likely_units(least, most, low, high) if entry.commands_positions else []
        return [Finding('wrong', f'{spread}: ' + (
            f'they look like {" or ".join(units)}' if units else 'another unit, or other joints'),
            'Units are rad and m: convert the bag, or correct the limits', 'units')]
    share = float(np.mean((values < low - margin) | (values > high + margin)))
    if share > _MANY:
        return [Finding('wrong', f'{spread}: {100 * share:.0f} % of them are beyond the limits, '
                        'to which an import would cut them', 'Widen the limits to what the '
                        'demonstrations need, if the robot may do that', 'limits')]
    return []


def _measured_unit(contract: Contract, name: str, index: int, found: BagValues) -> list[Finding]:
    """Check the unit of a measured joint against the limits of its command."""
    entry, place = contract.actions[name], contract.places(name)[index]
    track = found.joints.get((place.topic, entry.joints[index]))
    if track is None:
        return []
    least, most = min(track.values), max(track.values)
    low, high = entry.minimum[index], entry.maximum[index]
    if not is_far_outside(least, most, low, high):
        return []
    units = likely_units(least, most, low, high)
    return [Finding('wrong', f'{place.topic}, {entry.joints[index]}: measured {least:.4g}..'
                    f'{most:.4g}, limits of actions.{name} {low:g}..{high:g}: ' + (
                        f'they look like {" or ".join(units)}' if units
                        else 'another unit, or another joint'),
                    'Units are rad and m: convert the bag, or correct the limits', 'units')]


def _order(contract: Contract, name: str, times: np.ndarray, commands: np.ndarray,
           found: BagValues) -> list[Finding]:
    """Check which joint follows which value: in messages without names, that is the order.

    Where messages name their joints, a controller that takes them by place is found.
    """
    entry, key = contract.actions[name], f'actions.{name}'
    by_name = entry.type != 'std_msgs/msg/Float64MultiArray'
    if len(entry.joints) < 2:
        return []
    unknown = None
    if entry.quantity == 'effort':
        unknown = 'efforts do not tell it'
    elif not contract.places(name):
        unknown = 'the joints are not measured'
    elif len(times) < _FEWEST:
        unknown = f'there are {len(times)} commands'
    topics = {place.topic for place in contract.places(name)}
    measured = {joint: track.series() for (topic, joint), track in found.joints.items()
                if topic in topics}
    if unknown is None and not set(entry.joints) <= measured.keys():
        unknown = 'the bag has no positions of them by name'
    if unknown and by_name:
        return []
    if unknown:
        return [Finding('not checked', f'{key}: the order of the joints: {unknown}', kind='order')]
    order = joint_order(times, commands, entry.joints, measured, entry.quantity == 'position')
    if order.wrong:
        fit = (f'(difference of {order.error:.3g} in this order, {order.best:.3g} in the other, '
               f'{order.lag:.2f} s later)')
        if by_name:
            pairs = ', '.join(f'that of {entry.joints[index]} moves {order.joints[index]}'
                              for index in order.wrong)
            return [Finding('wrong', f'{key}: the commands move other joints than they name: '
                            f'{pairs} {fit}', 'Does the controller take joints by their place? '
                            'Send them in its order', 'order')]
        pairs = ', '.join(f'value {index} moves {order.joints[index]}, the contract says '
                          f'{entry.joints[index]}' for index in order.wrong)
        whole = f', which is probably [{", ".join(order.joints)}]' \
            if len(set(order.joints)) == len(order.joints) else ''
        return [Finding('wrong', f'{key}: the order of the joints: {pairs} {fit}',
                        f"Write the joints in the controller's order{whole}", 'order')]
    if by_name:
        return []
    if order.undecided:
        joints = ', '.join(entry.joints[index] for index in order.undecided)
        return [Finding('not checked', f'{key}: the order of {joints}: the bag does not tell '
                        'them apart: they hardly move, or alike. Compare it with the parameter '
                        '"joints" of the controller', kind='order')]
    return [Finding('fine', f'{key}: the order of the joints fits the measurements', kind='order')]


def _factors(contract: Contract, name: str, times: np.ndarray, commands: np.ndarray,
             found: BagValues) -> list[Finding]:
    """Check that joints move as far as they are commanded, and in the same direction."""
    entry, findings = contract.actions[name], []
    for index, (joint, place) in enumerate(zip(entry.joints, contract.places(name))):
        track, command = found.joints.get((place.topic, joint)), commands[:, index]
        span = entry.maximum[index] - entry.minimum[index]
        if track is None or np.ptp(command) < MOVES * span:
            continue
        at, values = track.series()
        if not entry.commands_positions:
            even = np.arange(times[0], times[-1], _SPEED_STEP)
            at, values = even, np.gradient(np.interp(even, at, values), _SPEED_STEP)
        label = f'actions.{name}, {joint}'
        told = factor_finding(factor_of(
            (command, np.interp(times + lag, at, values)) for lag in _LAGS), label)
        if not told and entry.commands_positions:
            told = offset_finding(command, np.interp(times, at, values), span, label)
        findings += told
    return findings


def _other_source(contract: Contract, name: str, times: np.ndarray, commands: np.ndarray,
                  found: BagValues) -> list[Finding]:
    """Check that commands are followed on the topic that measures them, not on another one."""
    entry, places = contract.actions[name], contract.places(name)

    def differences(topics: list[str]) -> float:
        series = [found.joints[key].series() for key in zip(topics, entry.joints)]
        return min(float(np.sqrt(np.mean([
            (commands[:, index] - np.interp(times + lag, *one)) ** 2
            for index, one in enumerate(series)]))) for lag in _LAGS)

    own = [place.topic for place in places]
    known = {topic for topic, _ in found.joints}
    others = [topic for topic in sorted(known - set(own))
              if all((topic, joint) in found.joints for joint in entry.joints)]
    if not others or any(key not in found.joints for key in zip(own, entry.joints)):
        return []
    ours, floor = differences(own), 0.05 + 0.25 * float(commands.std(axis=0).max())
    best = min(others, key=lambda topic: differences([topic] * entry.length))
    theirs = differences([best] * entry.length)
    if ours < floor or ours < _BETTER * theirs:
        return []
    return [Finding('wrong', f'actions.{name} is measured on {own[0]}, but its commands are '
                    f'followed on {best}: difference of {ours:.3g}, {theirs:.3g} there',
                    'Correct measured_by', 'measured_by')]


def partly_read(key: str, found: BagValues) -> Finding:
    """Return the finding on messages of a contract's key of which some can't be read."""
    count = found.rejections.counts[key]
    return Finding('look at this', f'{key}: {count} messages cannot be read, the first: '
                   f'{found.rejections.reasons[key]}', 'They would be left out', 'decode')
