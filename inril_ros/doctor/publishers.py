# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Judges who publishes on the topics of commands, verdicts, teleop devices and learning."""

from collections.abc import Iterator, Mapping, Sequence

from inril_ros.doctor.finding import Finding
from inril_ros.robot.contract.contract import Contract

_ACTUATION, _TELEOP = 'actuation_node', 'teleop_node'
#: Topics on which one node publishes.
ONE_PUBLISHER = ('executed_action', 'action_chunk', 'transition', 'transition_ack',
                 'weights/manifest', 'weights/pieces', 'learner/status', 'policy/status')


def published_topics(contract: Contract) -> tuple[str, ...]:
    """Return the topics whose publishers are judged, as the contract names them."""
    rules = contract.teleoperation
    return (*contract.action_topics(), *contract.episode.verdict_topics, rules.twist_topic,
            rules.joy_topic, rules.joint_topic, *ONE_PUBLISHER)


def check_publishers(
    contract: Contract, publishers: Mapping[str, Sequence[str]],
) -> Iterator[Finding]:
    """Report who publishes and should not, and who shares a topic.

    Args:
        contract: The robot's contract.
        publishers: Full names of the publishing nodes by topic, each as often as it has
            publishers there.
    """
    found = [*_commanders(contract, publishers), *_judges(contract, publishers),
             *_devices(contract, publishers), *_several(publishers)]
    yield from found
    if not any(finding.level in ('warning', 'error') for finding in found):
        yield Finding('topics', 'ok', 'nobody publishes commands, verdicts or weights beside '
                                      'those that should')


def _commanders(contract: Contract, publishers: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for topic in contract.action_topics():
        names = publishers.get(topic, ())
        ours = [name for name in names if _base(name) == _ACTUATION]
        others = sorted({name for name in names if name not in ours})
        if others:
            yield Finding(
                'topics', 'error', f'{topic}: {" and ".join(others)} publishes commands, past the '
                'safety gate',
                'stop that node: while it is there the actuation node holds the arm')
        if len(ours) > 1:
            yield Finding(
                'topics', 'error', f'{topic}: {len(ours)} actuation nodes publish commands',
                'stop one of them, or give each graph a ROS_DOMAIN_ID of its own; one that was '
                'killed is gone after some seconds')


def _judges(contract: Contract, publishers: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    judge = contract.episode.judge
    for topic in contract.episode.verdict_topics:
        names = sorted({name for name in publishers.get(topic, ()) if _base(name) != _ACTUATION})
        wrong = [name for name in names if judge and _base(name) != _base(judge)]
        if wrong:
            yield Finding(
                'topics', 'error', f'{topic}: {" and ".join(wrong)} publishes verdicts, the judge '
                f'of the contract is {judge}', 'stop that node, or name it in episode.judge')
        elif names and not judge:
            yield Finding('topics', 'note', f'{topic}: verdicts come from {" and ".join(names)}',
                          'name the judge in episode.judge, so that no other node is believed')


def _devices(contract: Contract, publishers: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    rules = contract.teleoperation
    for topic in dict.fromkeys((rules.joy_topic, rules.twist_topic, rules.joint_topic)):
        names = publishers.get(topic, ())
        others = sorted({name for name in names if _base(name) != _TELEOP})
        if len(others) > 1 and topic == rules.joy_topic:
            yield Finding(
                'topics', 'warning', f'{topic}: {" and ".join(others)} publish there and do not '
                'say which messages are whose: the arm is held while they do',
                'let a teleop_node send for all of them but one (docs/how_to/teleoperation.md)')
        elif len(names) > 1:
            order = ', then '.join(rules.order) or 'whoever holds the switch first'
            yield Finding('topics', 'note', f'{topic}: {" and ".join(sorted(names))} publish '
                          f'there; one drives at a time: {order}', '')


def _several(publishers: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for topic in ONE_PUBLISHER:
        names = sorted(set(publishers.get(topic, ())))
        if len(names) > 1:
            yield Finding(
                'topics', 'warning', f'{topic}: {" and ".join(names)} publish there, one node '
                'should', 'stop the others, or give each graph a ROS_DOMAIN_ID of its own')


def _base(name: str) -> str:
    return name.rpartition('/')[2]
