# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compares the topics of a running robot with its contract."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inril_ros.doctor.finding import Finding
from inril_ros.robot.contract.contract import Contract

_SKEW = 0.02  # [s] a stamp further in the future comes from another clock


@dataclass(frozen=True)
class TopicRecord:
    """What was observed of one topic.

    Attributes:
        types: Names of its message types.
        publishers: Number of publishers.
        subscribers: Number of subscriptions of others.
        received: Times of arrival [s], by the clock that stamps are compared with.
        stamps: Stamps of these messages [s]; 0: the sender set none.
        errors: Reasons why messages don't fit the contract, each one once.
    """

    types: tuple[str, ...] = ()
    publishers: int = 0
    subscribers: int = 0
    received: tuple[float, ...] = ()
    stamps: tuple[float, ...] = ()
    errors: tuple[str, ...] = ()


def check_streams(
    contract: Contract, records: Mapping[str, TopicRecord], seconds: float, *,
    simulated: bool = False,
) -> Iterator[Finding]:
    """Compare a robot's topics with its contract.

    Args:
        contract: The robot's contract.
        records: Records by topic, as the contract names it.
        seconds: Duration of the observation [s].
        simulated: Time is simulated: stamps have its clock, so clocks are not compared.
    """
    once = contract.latched_topics()
    ages = {topic: min(entry.max_age for entry in contract.observations.values()
                       if entry.topic == topic)
            for topic in contract.observation_topics() if topic not in once}
    ages |= {camera.topic: contract.safety.max_camera_age for camera in contract.cameras.values()}
    wanted = {**contract.observation_topics(),
              **{camera.topic: camera.type for camera in contract.cameras.values()}}
    for topic, kind in wanted.items():
        record = records.get(topic, TopicRecord())
        problem = _silence(topic, kind, record, seconds, latched=topic in once)
        if problem is not None:
            yield problem
        elif topic in ages:
            yield _rate(topic, record, ages[topic])
            yield from _clocks(topic, record, simulated)
        yield from (Finding('topics', 'error', f'{topic}: {error}',
                            'correct the contract (inril contract check) or the driver')
                    for error in record.errors)
    for topic, kind in contract.action_topics().items():
        yield _commands(topic, kind, records.get(topic, TopicRecord()))


def _silence(topic: str, kind: str, record: TopicRecord, seconds: float, latched: bool,
             ) -> Finding | None:
    """Return why a topic has no messages to check; None if it has some."""
    if not record.publishers:
        return Finding(
            'topics', 'error', f'{topic}: nobody publishes it',
            'start the driver, check its namespace and remappings (ros2 topic list), and that '
            'both machines have the same ROS_DOMAIN_ID')
    if record.types != (kind,):
        return _wrong_type(topic, kind, record, 'driver')
    if not record.received and not record.errors:
        return Finding(
            'topics', 'warning' if latched else 'error',
            f'{topic}: no message within {seconds:g} s',
            'is the device on? If others receive it (ros2 topic hz), compare QoS and network')
    return None


def _wrong_type(topic: str, kind: str, record: TopicRecord, device: str) -> Finding:
    return Finding('topics', 'error', f'{topic}: is {" and ".join(record.types)}, the contract '
                   f'says {kind}', f'write the type of the {device} in the contract')


def _rate(topic: str, record: TopicRecord, max_age: float) -> Finding:
    if len(record.received) < 3:
        return Finding('topics', 'warning', f'{topic}: only {len(record.received)} messages',
                       'listen longer (--seconds), or make the driver publish more often')
    gaps = np.diff(record.received)
    what = f'{topic}: {1.0 / gaps.mean():.1f} Hz, longest gap {gaps.max():.3f} s'
    if gaps.max() <= max_age:
        return Finding('topics', 'ok', what)
    often = gaps.mean() > max_age
    return Finding(
        'topics', 'error' if often else 'warning',
        f'{what}: longer than the {max_age:g} s that the contract allows',
        'raise the rate of the driver, or max_age (safety.max_camera_age for cameras) in the '
        'contract' if often else
        'the arm will be held at times: check load, Wi-Fi and swapping')


def _clocks(topic: str, record: TopicRecord, simulated: bool) -> Iterator[Finding]:
    pairs = [(came, stamp) for came, stamp in zip(record.received, record.stamps) if stamp > 0.0]
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
            'clocks', 'error', f'{topic}: stamps are {delay:.3f} s old on arrival',
            'either the clocks differ (chrony) or the driver stamps wrongly; if it has no clock, '
            'write clock: receive in the contract')
    else:
        yield Finding('clocks', 'ok', f'{topic}: {1e3 * delay:.1f} ms from stamp to arrival')


def _commands(topic: str, kind: str, record: TopicRecord) -> Finding:
    if not record.subscribers:
        return Finding(
            'topics', 'error', f'{topic}: nobody subscribes to it',
            'start the controller of these commands (ros2 control list_controllers): it must be '
            'active')
    if record.types and kind not in record.types:
        return _wrong_type(topic, kind, record, 'controller')
    return Finding('topics', 'ok', f'{topic}: {record.subscribers} subscribers')


def check_profiles(pairs: Sequence[tuple[str, str, str, str]]) -> Iterator[Finding]:
    """Report publishers and subscribers whose QoS profiles are incompatible.

    Args:
        pairs: Topic, publishing node, subscribing node, reason (empty: compatible).
    """
    for topic, publisher, subscriber, reason in pairs:
        if reason:
            yield Finding(
                'qos', 'error',
                f'{topic}: {subscriber} does not receive from {publisher}: {reason}',
                'the subscriber must not demand more than the publisher offers: best effort '
                'receives reliable, volatile receives transient local, not the other way round')
    compatible = sum(not reason for *_, reason in pairs)
    if compatible:
        yield Finding('qos', 'ok', f'{compatible} pairs of publishers and subscribers fit')
