# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A robot's topics against its contract, from what was heard of them for a while."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from inril_ros.doctor.finding import Finding
from inril_ros.robot.contract.contract import Contract

_SKEW = 0.02  # [s] a stamp from the future by more than this is of another clock


@dataclass(frozen=True)
class Heard:
    """What is known of one topic.

    Attributes:
        types: Names of its types.
        publishers: How many publish it.
        subscribers: How many others listen to it.
        received: [s] When messages came, by the clock that stamps are compared with.
        stamps: [s] Of these messages; 0: the sender set none.
        errors: Why messages could not be read by the contract, each reason once.
    """

    types: tuple[str, ...] = ()
    publishers: int = 0
    subscribers: int = 0
    received: tuple[float, ...] = ()
    stamps: tuple[float, ...] = ()
    errors: tuple[str, ...] = field(default=())


def check_streams(
    contract: Contract, heard: Mapping[str, Heard], seconds: float, *, simulated: bool = False,
) -> Iterator[Finding]:
    """Compare what a robot gives and takes with its contract.

    Args:
        contract: The robot.
        heard: By topic, as the contract names it.
        seconds: How long was listened.
        simulated: Time is simulated: ages are by that clock, and there is no other machine's.
    """
    once = contract.latched_topics()
    ages = {topic: min(entry.max_age for entry in contract.observations.values()
                       if entry.topic == topic)
            for topic in contract.observation_topics() if topic not in once}
    ages |= {camera.topic: contract.safety.max_camera_age for camera in contract.cameras.values()}
    wanted = {**contract.observation_topics(),
              **{camera.topic: camera.type for camera in contract.cameras.values()}}
    for topic, kind in wanted.items():
        told = heard.get(topic, Heard())
        problem = _unheard(topic, kind, told, seconds, latched=topic in once)
        if problem is not None:
            yield problem
        elif topic in ages:
            yield _rhythm(topic, told, ages[topic])
            yield from _clocks(topic, told, simulated)
        yield from (Finding('topics', 'error', f'{topic}: {error}',
                            'correct the contract (inril contract check) or the driver')
                    for error in told.errors)
    for topic, kind in contract.action_topics().items():
        yield _taker(topic, kind, heard.get(topic, Heard()))


def _unheard(topic: str, kind: str, told: Heard, seconds: float, latched: bool) -> Finding | None:
    """Return why nothing can be said of a topic's messages, None if something can."""
    if not told.publishers:
        return Finding(
            'topics', 'error', f'{topic}: nobody publishes it',
            'start the driver, check its namespace and remappings (ros2 topic list), and that '
            'both machines have the same ROS_DOMAIN_ID')
    if told.types != (kind,):
        return Finding('topics', 'error', f'{topic}: is {" and ".join(told.types)}, the contract '
                       f'says {kind}', 'name the type that the driver publishes in the contract')
    if not told.received and not told.errors:
        return Finding(
            'topics', 'warning' if latched else 'error',
            f'{topic}: nothing came within {seconds:g} s',
            'is the device on? If others hear it (ros2 topic hz), compare the quality of service '
            'and the network')
    return None


def _rhythm(topic: str, told: Heard, max_age: float) -> Finding:
    if len(told.received) < 3:
        return Finding('topics', 'warning', f'{topic}: only {len(told.received)} messages',
                       'listen longer (--seconds), or make the driver publish more often')
    gaps = np.diff(told.received)
    what = f'{topic}: {1.0 / gaps.mean():.1f} Hz, longest gap {gaps.max():.3f} s'
    if gaps.max() <= max_age:
        return Finding('topics', 'ok', what)
    often = gaps.mean() > max_age
    return Finding(
        'topics', 'error' if often else 'warning',
        f'{what}: longer than the {max_age:g} s that the contract allows',
        'raise the rate of the driver, or max_age (safety.max_camera_age for cameras) in the '
        'contract' if often else
        'now and then the arm will be held: look for load, Wi-Fi and swapping')


def _clocks(topic: str, told: Heard, simulated: bool) -> Iterator[Finding]:
    pairs = [(came, stamp) for came, stamp in zip(told.received, told.stamps) if stamp > 0.0]
    if not pairs or simulated:
        return
    delay = float(np.median([came - stamp for came, stamp in pairs]))
    if delay < -_SKEW:
        yield Finding(
            'clocks', 'error', f'{topic}: stamps are {-delay:.3f} s in the future',
            'the clocks of the two machines differ: run chrony on both, one of them as the server '
            'of the other (docs/how_to/learner_elsewhere.md)')
    elif delay > 1.0:
        yield Finding(
            'clocks', 'error', f'{topic}: stamps are {delay:.3f} s old when they come',
            'either the clocks differ (chrony) or the driver stamps wrongly; if it has no clock '
            'of its own, write clock: receive in the contract')
    else:
        yield Finding('clocks', 'ok', f'{topic}: {1e3 * delay:.1f} ms from stamp to here')


def _taker(topic: str, kind: str, told: Heard) -> Finding:
    if not told.subscribers:
        return Finding(
            'topics', 'error', f'{topic}: nobody listens to it',
            'start the controller that takes the commands (ros2 control list_controllers): it '
            'must be active')
    if told.types and kind not in told.types:
        return Finding('topics', 'error', f'{topic}: is {" and ".join(told.types)}, the contract '
                       f'says {kind}', 'name the type that the controller takes in the contract')
    return Finding('topics', 'ok', f'{topic}: {told.subscribers} listening')


def check_profiles(pairs: Sequence[tuple[str, str, str, str]]) -> Iterator[Finding]:
    """Say which ends of topics can't hear each other.

    Args:
        pairs: Topic, publishing node, listening node, why not (empty: they can).
    """
    for topic, publisher, subscriber, reason in pairs:
        if reason:
            yield Finding(
                'qos', 'error', f'{topic}: {subscriber} does not hear {publisher}: {reason}',
                'make the listener as undemanding as the publisher: best effort hears reliable, '
                'volatile hears transient local, never the other way round')
    well = sum(not reason for *_, reason in pairs)
    if well:
        yield Finding('qos', 'ok', f'{well} pairs of publishers and listeners fit')
