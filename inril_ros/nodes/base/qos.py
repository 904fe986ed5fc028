# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""QoS of each stream, in one place, so that both ends agree."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _profile(depth: int, reliable: bool = True, latched: bool = False) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE)


#: A robot's state in real time: the newest counts, a lost one is replaced by the next.
SENSOR = _profile(5, reliable=False)
#: The same for the recorder: deep enough for its process to pause for some seconds.
RECORDED_SENSOR = _profile(1000, reliable=False)
#: The same for pictures, which are large: two seconds of them.
RECORDED_PICTURES = _profile(60, reliable=False)
#: Pictures for a person who looks: the newest alone, and no sender waits for it.
PREVIEW = _profile(1, reliable=False)
#: Records of each tick for a person who looks: no sender waits for it either.
WATCHED = _profile(200, reliable=False)
#: A robot's state from a simulator in lockstep: if a message is lost, the simulation stops.
LOCKSTEP = _profile(200)
#: Commands: only the newest; never latched, a late joiner must not act on an old one.
COMMAND = _profile(1)
#: Records of each tick.
RECORD = _profile(2000)
#: Events in the life of an episode.
EVENT = _profile(100)
#: Messages that are sent once and never change, such as static transforms; several senders.
LATCHED = _profile(100, latched=True)
#: States: a late joiner gets the present one.
STATE = _profile(1, latched=True)
#: Manifests of weights.
MANIFEST = _profile(1, latched=True)
#: Pieces of weights: deep enough for a whole version, so that a late joiner gets all of it.
WEIGHTS = _profile(512, latched=True)
#: Transitions and their acknowledgements.
EXPERIENCE = _profile(1000)


def observations(lockstep: bool, latched: bool = False) -> QoSProfile:
    """Return the profile of an observation topic."""
    if latched:
        return LATCHED
    return LOCKSTEP if lockstep else SENSOR


def commands(lockstep: bool) -> QoSProfile:
    """Return the profile of command topics."""
    return LOCKSTEP if lockstep else COMMAND
