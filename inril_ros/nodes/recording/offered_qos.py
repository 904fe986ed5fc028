# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The QoS that publishers offer, and the QoS that a recording requests because of it.

A reliable subscription gets nothing from a best-effort publisher, and a best-effort one loses what
a reliable publisher would have sent again. The offers are known only once the publishers exist.
"""

from collections.abc import Sequence

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)


def offered(node: Node, topic: str) -> list[QoSProfile]:
    """Return the profiles of all publishers of a topic that a node has discovered."""
    return [end.qos_profile for end in node.get_publishers_info_by_topic(topic)]


def adapted(wanted: QoSProfile, offers: Sequence[QoSProfile], durability: bool) -> QoSProfile:
    """Return the best profile that is compatible with every publisher.

    It is reliable, or transient local, only if every publisher is.

    Args:
        wanted: The profile's other settings, and all of them while there is no publisher.
        offers: The publishers' profiles.
        durability: Adapt the durability too.
    """
    if not offers:
        return wanted
    reliable = all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
    latched = all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
    if not durability:
        latched = wanted.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return QoSProfile(
        history=wanted.history, depth=wanted.depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE)


def differ(one: QoSProfile, other: QoSProfile) -> bool:
    """Return whether two profiles differ in what ``adapted`` changes."""
    return (one.reliability, one.durability) != (other.reliability, other.durability)


def incompatible(wanted: QoSProfile, offers: Sequence[QoSProfile]) -> bool:
    """Return whether a subscription gets nothing from one of the publishers."""
    return any(
        (wanted.reliability == ReliabilityPolicy.RELIABLE
         and offer.reliability == ReliabilityPolicy.BEST_EFFORT)
        or (wanted.durability == DurabilityPolicy.TRANSIENT_LOCAL
            and offer.durability == DurabilityPolicy.VOLATILE) for offer in offers)


def bag_qos(profile: QoSProfile) -> Qos:
    """Return a profile as in a bag's metadata, where policies have the same numbers."""
    return Qos(
        QosHistory(int(profile.history)), profile.depth, QosReliability(int(profile.reliability)),
        QosDurability(int(profile.durability)), _time(profile.deadline), _time(profile.lifespan),
        QosLiveliness(int(profile.liveliness)), _time(profile.liveliness_lease_duration),
        profile.avoid_ros_namespace_conventions)


def _time(duration: Duration) -> QosTime:
    return QosTime(*divmod(duration.nanoseconds, 1_000_000_000))
