# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Judges the teleop devices of a robot: which ones send, how often, and whether they fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from inril_ros.doctor.finding import Finding
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.teleop.sources import in_words

_GUIDE = 'docs/how_to/teleoperation.md'
_TYPES = {'twist': 'geometry_msgs/msg/TwistStamped', 'joint': 'sensor_msgs/msg/JointState',
          'joy': 'sensor_msgs/msg/Joy'}


@dataclass(frozen=True)
class TeleopRecord:
    """What was observed of a teleop topic.

    Attributes:
        types: Names of its message types.
        publishers: Number of publishers.
        received: Times of arrival [s] of each source's messages.
        errors: Reasons why messages can't drive the robot, each one once.
    """

    types: tuple[str, ...] = ()
    publishers: int = 0
    received: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


def teleop_topics(contract: Contract) -> dict[str, str]:
    """Return the type of each topic that a person's device needs to send on."""
    rules = contract.teleoperation
    needed = {'twist': rules.twist_action or rules.rotation_action, 'joint': rules.joint_action,
              'joy': rules.takeover != 'motion' or rules.gripper_action}
    if not (needed['twist'] or needed['joint']):
        return {}  # nothing is commanded by a person, which the contract's check tells
    return {getattr(rules, f'{name}_topic'): _TYPES[name] for name, used in needed.items() if used}


def why_not(contract: Contract, topic: str, message: object) -> str:
    """Return why a message can't drive the robot as the contract says; empty if it can.

    Args:
        contract: The robot's contract.
        topic: A topic of ``teleop_topics``.
        message: A message of its type.
    """
    rules = contract.teleoperation
    kind = teleop_topics(contract)[topic]
    if kind == _TYPES['joint']:
        joints = contract.actions[rules.joint_action].joints
        lacking = [joint for joint in joints if joint not in list(message.name)]
        if lacking:
            return f'lacks the joints {lacking} that teleoperation.joint_action commands'
    if kind == _TYPES['joy'] and rules.takeover != 'motion' \
            and len(message.buttons) <= rules.deadman_button:
        return (f'has {len(message.buttons)} buttons, and teleoperation.deadman_button is '
                f'{rules.deadman_button}')
    if kind == _TYPES['joy'] and rules.gripper_action and len(message.axes) <= rules.gripper_axis:
        return (f'has {len(message.axes)} axes, and teleoperation.gripper_axis is '
                f'{rules.gripper_axis}')
    return ''


def check_teleoperation(
    contract: Contract, records: Mapping[str, TeleopRecord], seconds: float,
) -> Iterator[Finding]:
    """Report which devices send on the topics that a person drives the robot by.

    Args:
        contract: The robot's contract.
        records: Records by topic, as the contract names it.
        seconds: Duration of the observation [s].
    """
    for topic, kind in teleop_topics(contract).items():
        record = records.get(topic, TeleopRecord())
        if not record.publishers:
            yield Finding(
                'teleop', 'warning', f'{topic}: no device sends there: nobody can demonstrate or '
                'take over', f'start it (inril teleop, or the driver of a leader arm; {_GUIDE}), '
                'and check its namespace and the topics of teleoperation in the contract')
            continue
        if record.types != (kind,):
            yield Finding('teleop', 'error', f'{topic}: is {" and ".join(record.types)}, and '
                          f'{kind} is needed', f'let a teleop_node send it ({_GUIDE})')
            continue
        yield from (Finding('teleop', 'error', f'{topic}: {error}', 'correct teleoperation in the '
                            'contract, or the mapping of the device') for error in record.errors)
        if not record.received and not record.errors:
            yield Finding(
                'teleop', 'warning', f'{topic}: a device is there, and sent nothing in '
                f'{seconds:g} s', 'is it plugged in? One that sends only when it is moved needs '
                'to repeat its state (autorepeat_rate of joy_node)')
        for source, times in sorted(record.received.items()):
            yield _rate(contract, topic, in_words(source), times, seconds)


def _rate(contract: Contract, topic: str, source: str, times: tuple[float, ...], seconds: float,
          ) -> Finding:
    """Judge how often one device sends."""
    allowed = contract.teleoperation.max_age
    if len(times) < 3:
        return Finding('teleop', 'warning', f'{topic}: {source} sent {len(times)} messages in '
                       f'{seconds:g} s: it counts as released',
                       f'let it send at {2 / allowed:.0f} Hz or more, also at rest')
    gaps = np.diff(times)
    what = f'{topic}: {source}, {1.0 / gaps.mean():.1f} Hz, longest gap {gaps.max():.3f} s'
    if gaps.max() <= allowed:
        return Finding('teleop', 'ok', what)
    return Finding(
        'teleop', 'warning', f'{what}: after {allowed:g} s a command counts as released '
        '(teleoperation.max_age)', f'let it send at {2 / allowed:.0f} Hz or more, also at rest; '
        'otherwise check load and Wi-Fi')
