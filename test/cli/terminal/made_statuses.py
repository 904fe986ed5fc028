# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Statuses and events, with any texts in them."""

from builtin_interfaces.msg import Time
from hypothesis import strategies as st
from inril_ros.msg import (
    ActuationStatus,
    EpisodeEvent,
    LearnerStatus,
    PolicyStatus,
    RecorderStatus,
)
from std_msgs.msg import Header

from inril_ros.nodes.clients.conductor_status import KEYS
from inril_ros.nodes.person_view.view import Statuses
from inril_ros.robot.episode import Purpose

#: Long and short, wide letters, and what could move a terminal's cursor.
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=['Cs']), max_size=30),
    st.text('ab 字\x1b\n[', max_size=600), st.just('word ' * 60))
ROLLOUT = Purpose.ROLLOUT.value
_COUNTS = st.integers(0, 2 ** 40)
_REALS = st.floats(width=32)


def at(seconds):
    """Return a header with a stamp."""
    return Header(stamp=Time(sec=int(seconds), nanosec=round(seconds % 1 * 1e9)))


def arm(seconds=0.0, **fields):
    """Return a status of an actuation node that may move and waits for nothing."""
    return ActuationStatus(header=at(seconds), **{'enabled': True, **fields})


def event(kind, seconds=0.0, episode='a', purpose=ROLLOUT, **fields):
    return EpisodeEvent(header=at(seconds), event=kind, episode_id=episode, purpose=purpose,
                        **fields)


arms = st.builds(
    arm, mode=st.integers(0, 9), reason=TEXTS, latched=TEXTS, waiting_for=TEXTS,
    faults=st.lists(TEXTS, max_size=3), enabled=st.booleans(), estop=st.booleans(),
    interventions=_COUNTS, intervention_rate=_REALS, person_ticks=_COUNTS)
policies = st.builds(
    PolicyStatus, ready=st.booleans(), weights_version=_COUNTS, refused=_COUNTS, refusal=TEXTS,
    gate_reason=TEXTS, on_trial=st.booleans(), pinned=st.booleans(), rollbacks=_COUNTS,
    freshness=st.integers(0, 4), weights_age=_REALS, weights_lag=_COUNTS)
learners = st.builds(
    LearnerStatus, episodes=_COUNTS, successes=_COUNTS, rescued=_COUNTS, env_steps=_COUNTS,
    rl_updates=_COUNTS, updates_due=_COUNTS, updates_per_second=_REALS)
recorders = st.builds(
    RecorderStatus, journaled=_COUNTS, acknowledged=_COUNTS, saved=_COUNTS, discarded=_COUNTS,
    damaged=_COUNTS, dropped=_COUNTS)
conductors = st.dictionaries(st.sampled_from(KEYS), TEXTS, max_size=6) | st.fixed_dictionaries({
    'waiting_for': TEXTS, 'action': st.sampled_from(['', 'go_on', 'ready', 'no action'])})
all_statuses = st.builds(
    Statuses, st.none() | arms, st.none() | policies, st.none() | learners,
    st.none() | recorders, conductors, st.floats(0.0, 1e6))
events = st.builds(
    event, st.integers(0, 10), st.floats(0.0, 1e6), st.sampled_from('ab'),
    purpose=st.integers(0, 5), outcome=st.integers(0, 6), reason=TEXTS)
