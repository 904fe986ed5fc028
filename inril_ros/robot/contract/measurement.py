# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which observation measures each commanded joint: a joint is a name on a topic, not a name alone.

Arms of the same kind have joints of the same names. Everything that needs a joint's measured
position asks here, by the name of the action.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

from inril_ros.robot.contract.actions import Action
from inril_ros.robot.contract.streams import Observation


class Place(NamedTuple):
    """Where a joint's position is observed.

    Attributes:
        observation: Name of the observation.
        element: Index in its values.
        topic: Topic of the observation; the joint has its name there.
    """

    observation: str
    element: int
    topic: str


Places = dict[str, tuple[Place, ...]]
"""The place of each joint, by action; empty for an action whose joints are not all measured."""


def measured_places(
    observations: Mapping[str, Observation], actions: Mapping[str, Action],
) -> Places:
    """Return where the joints of each action are measured.

    Raises:
        ValueError: A joint is measured on several topics and the action doesn't say which one
            counts, or what it says is wrong.
    """
    commanded = {action.topic for action in actions.values()}
    positions = {name: entry for name, entry in observations.items()
                 if entry.joints and entry.quantity == 'position'
                 and entry.topic not in commanded}  # a command that is read back measures nothing
    return {name: _places_of(name, action, positions) for name, action in actions.items()}


def check_commanded_once(actions: Mapping[str, Action], places: Places) -> None:
    """Check that no joint is commanded by two actions.

    Raises:
        ValueError: One is; the message names both actions and the joint.
    """
    topics = {name: {joint: place.topic for joint, place in zip(action.joints, places[name])}
              for name, action in actions.items()}  # empty for actions that nothing measures
    for name, other in combinations(actions, 2):
        both = [joint for joint in actions[name].joints if joint in actions[other].joints and not (
            topics[name] and topics[other] and topics[name][joint] != topics[other][joint])]
        if both:
            raise ValueError(
                f'actions.{other} commands the joints {both}, which actions.{name} commands too: '
                'two commands would fight for one joint. Command each joint in one action; if '
                'these are different joints of the same name, say by measured_by which '
                'observation measures those of each action')


def _places_of(
    name: str, action: Action, positions: Mapping[str, Observation],
) -> tuple[Place, ...]:
    """Return where the joints of one action are measured; empty if not all of them are."""
    key, named = f'actions.{name}.measured_by', action.measured_by
    if named and not action.joints:
        raise ValueError(f'{key}: the action has no joints that could be measured')
    wrong = [other for other in named if other not in positions]
    if wrong:
        raise ValueError(f'{key} names {wrong}; observations that measure positions of joints '
                         f'are {sorted(positions)}')
    candidates = {other: positions[other] for other in named or positions}
    found = [_by_topic(joint, candidates) for joint in action.joints]
    several = {joint: topics for joint, topics in zip(action.joints, found) if len(topics) > 1}
    if several:
        options = sorted({place.observation for topics in several.values()
                          for place in topics.values()})
        lines = ' or '.join(f'measured_by: [{option}]' for option in options)
        raise ValueError(
            f'actions.{name}: the joints {list(several)} are measured on several topics: '
            + ', '.join(f'{candidates[option].topic} (observations.{option})'
                        for option in options)
            + f'. Say which observation measures this action: {lines}')
    missing = [joint for joint, topics in zip(action.joints, found) if not topics]
    if missing and named:
        raise ValueError(f'{key}: {list(named)} do not measure the joints {missing}; they have '
                         f'{sorted({j for entry in candidates.values() for j in entry.joints})}')
    if missing:
        return ()
    return tuple(place for topics in found for place in topics.values())


def _by_topic(joint: str, observations: Mapping[str, Observation]) -> dict[str, Place]:
    """Return the first place of a joint on each topic."""
    found: dict[str, Place] = {}
    for name, entry in observations.items():
        if joint in entry.joints:
            found.setdefault(entry.topic, Place(name, entry.joints.index(joint), entry.topic))
    return found
