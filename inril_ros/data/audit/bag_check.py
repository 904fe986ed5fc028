# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A contract held against a bag: what in it is wrong, and what the bag doesn't tell."""

from pathlib import Path

import numpy as np

from inril_ros.data.agreement.to_and_fro import jumps_to_and_fro
from inril_ros.data.audit.bag_values import BagValues, read_bag_values
from inril_ros.data.audit.command_checks import check_commands, partly_read
from inril_ros.data.audit.finding import Finding
from inril_ros.data.importing.commands.missing_commands import where_commands_may_be
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.data.raw.image_types import FOREIGN_IMAGES
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.fields import JOINT_STATE, TRANSFORMS


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
        findings += check_commands(contract, name, found)
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
        findings.append(partly_read(key, found))
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
