# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A contract held against a bag: what in it is wrong, and what the bag doesn't tell."""

from pathlib import Path

import numpy as np

from inril_ros.data.agreement.joint_order import joint_order
from inril_ros.data.agreement.to_and_fro import jumps_to_and_fro
from inril_ros.data.audit.bag_values import BagValues, read_bag_values, Track
from inril_ros.data.audit.finding import Finding
from inril_ros.data.audit.following import factor_finding, factor_of, MOVES, offset_finding
from inril_ros.data.importing.commands.missing_commands import where_commands_may_be
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.data.raw.image_types import FOREIGN_IMAGES
from inril_ros.robot.contract.contract import Action, Contract
from inril_ros.robot.contract.fields import JOINT_STATE, TRANSFORMS
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


def check_bag(contract: Contract, path: Path, namespace: str = '/') -> list[Finding]:
    """Return what a bag of ROS 1 or 2 says about a contract.

    Args:
        contract: The robot's contract.
        path: The bag.
        namespace: Namespace of the robot in the bag.

    Raises:
        BagError: It can't be read.
    """
    found = read_bag_values(path, contract, namespace)
    findings = _topics(contract, found)
    for name in contract.observations:
        findings += _observation(contract, name, found)
    for name in contract.cameras:
        findings += _camera(contract, name, found)
    for name in contract.actions:
        findings += _action(contract, name, found)
    return findings


def _topics(contract: Contract, found: BagValues) -> list[Finding]:
    """Compare topics, types and rates."""
    cameras = {camera.topic: camera.type for camera in contract.cameras.values()}
    seen = {camera.topic for camera in contract.policy_cameras.values()}
    optional = contract.latched_topics() | (cameras.keys() - seen)
    commands = contract.action_topics()
    findings = []
    for topic, kind in {**contract.observation_topics(), **commands, **cameras}.items():
        types = found.types.get(found.in_bag(topic), set())
        if not types:
            findings.append(_missing(contract, topic, topic in optional, found))
        elif topic in cameras and kind not in types and types <= {*FOREIGN_IMAGES}:
            findings.append(Finding('fine', f'{topic}: {" and ".join(sorted(types))}, which an '
                                    'import turns into images', kind='topic'))
        elif kind not in types:
            findings.append(Finding(
                'wrong', f'{topic}: {" and ".join(sorted(types))} in the bag, {kind} in the '
                'contract', 'Write the type of the bag, or name another topic', 'topic'))
        else:
            times = found.times.get(topic, [])
            rate = f'{(len(times) - 1) / max(times[-1] - times[0], 1e-9):.1f} Hz' \
                if len(times) > 1 else f'{len(times)} messages'
            findings.append(Finding('fine', f'{topic}: {kind}' if topic in cameras
                                    else f'{topic}: {rate}', kind='topic'))
    return findings


def _missing(contract: Contract, topic: str, optional: bool, found: BagValues) -> Finding:
    """Return the finding on a topic that isn't in the bag."""
    like = sorted(name for name in found.types if name.endswith(f'/{topic.lstrip("/")}'))
    hint = f'The bag has {", ".join(sorted(found.types)) or "no topic"}'
    if like:
        space = like[0].removesuffix(topic).rstrip('/')
        hint = f'Is it {like[0]}? ' + (f'Give --namespace {space}' if space else
                                       f'Import it by --remap {topic}:={like[0]}')
    if topic in contract.action_topics():
        said = where_commands_may_be(found.connections, contract, ImportMapping(), [topic])
        return Finding('look at this', f'{topic}: not in the bag, so no command was checked',
                       f'{hint}. To import it, say in a mapping what the actions are. '
                       + ' '.join(said), 'topic')
    if optional:
        return Finding('not checked', f'{topic}: not in the bag; an import can do without it',
                       kind='topic')
    return Finding('wrong', f'{topic}: not in the bag', hint, 'topic')


def _observation(contract: Contract, name: str, found: BagValues) -> list[Finding]:
    """Check that an observation decodes, comes often enough, and has the unit of its joints."""
    entry, key = contract.observations[name], f'observations.{name}'
    if entry.type not in found.types.get(found.in_bag(entry.topic), ()):
        return []
    if entry.type == TRANSFORMS:
        return _frames(name, entry.parent, entry.child, found.frames.get(entry.topic, {}))
    findings = []
    times = found.times.get(entry.topic, [])
    missing = [joint for joint in entry.joints if joint not in found.names.get(entry.topic, ())]
    if missing and entry.type == JOINT_STATE:
        findings.append(Finding(
            'wrong', f'{key}: no message has the joints {missing}; the bag has '
            f'{sorted(found.names.get(entry.topic, ()))}', 'Write the names of the bag', 'joints'))
    elif name not in found.observed and key in found.rejections.reasons:
        findings.append(Finding(
            'wrong', f'{key}: none of {len(times)} messages can be read, the first: '
            f'{found.rejections.reasons[key]}', 'Correct the contract, or the sender', 'decode'))
    elif key in found.rejections.reasons:
        findings.append(_partly(key, found))
    if entry.type == JOINT_STATE and entry.quantity == 'position':
        findings += _two_in_one(key, entry.topic, entry.joints, found)
    if len(times) > 2 and not entry.latched:
        typical = float(np.median(np.diff(times)))
        if typical > entry.max_age + entry.latency:
            findings.append(Finding(
                'wrong', f'{key}: a message comes every {typical:.3f} s, max_age is '
                f'{entry.max_age:g} s: hardly a frame would be valid',
                f'Write max_age: {2.5 * typical:.2g}', 'rate'))
    return findings


def _two_in_one(
    key: str, topic: str, joints: tuple[str, ...], found: BagValues,
) -> list[Finding]:
    """Find joints whose values jump to and fro, as those of two arms with one name do."""
    jumping = [joint for joint in joints if (topic, joint) in found.joints
               and jumps_to_and_fro(found.joints[topic, joint].series()[1][:, None])[0]]
    if not jumping:
        return []
    return [Finding('wrong', f'{key}: the positions of {jumping} on {topic} jump to and fro from '
                    'message to message: two arms whose joints have the same names seem to '
                    'publish there', 'Give each arm a topic of its own (a namespace), or names of '
                    'their own', 'two in one')]


def _partly(key: str, found: BagValues) -> Finding:
    count = found.rejections.counts[key]
    return Finding('look at this', f'{key}: {count} messages cannot be read, the first: '
                   f'{found.rejections.reasons[key]}', 'They would be left out', 'decode')


def _frames(name: str, parent: str, child: str, parents: dict[str, str]) -> list[Finding]:
    """Check that TF connects two frames."""
    def root(frame: str) -> str:
        seen = set()
        while frame in parents and frame not in seen:
            seen.add(frame)
            frame = parents[frame]
        return frame

    known = parents.keys() | set(parents.values())
    lost = sorted({parent, child} - known)
    if lost or root(parent) != root(child):
        what = f'TF has no frames {lost}' if lost else f'TF does not connect {parent} and {child}'
        return [Finding('wrong', f'observations.{name}: {what}; it has {sorted(known)}',
                        'Write the frames of the bag', 'frames')]
    return []


def _camera(contract: Contract, name: str, found: BagValues) -> list[Finding]:
    key = f'cameras.{name}'
    if key not in found.rejections.reasons or name in found.images:
        return []
    return [Finding('wrong', f'{key}: no image can be used, the first: '
                    f'{found.rejections.reasons[key]}', 'Correct the contract', 'image')]


def _action(contract: Contract, name: str, found: BagValues) -> list[Finding]:
    """Check the commands of an action: decoding, limits, units, order."""
    entry, key = contract.actions[name], f'actions.{name}'
    if entry.type not in found.types.get(found.in_bag(entry.topic), ()):
        return []
    if name not in found.points:
        reason = found.rejections.reasons.get(
            key, f'it names {sorted(found.names.get(entry.topic, ()))}')
        return [Finding('wrong', f'{key}: no command can be read, the first: {reason}',
                        'Write the joints that the messages carry, in their order'
                        if entry.joints else 'Correct the contract', 'decode')]
    findings = [_partly(key, found)] if key in found.rejections.reasons else []
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
