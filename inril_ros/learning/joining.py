# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joins the transitions of an episode, which overlap by one observation, after a check."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.experience import Episode, FloatArray, observed_rows, Transition


def join_transitions(transitions: Sequence[Transition]) -> Episode:
    """Join the transitions of one episode, in order, to an Episode.

    The last one may lack an end (the record stops there): the episode then counts as truncated.

    Raises:
        ValueError: Nothing to join, several episodes, ticks that are not contiguous, observations
            that differ where transitions meet, or an end before the last transition.
    """
    check_joints(transitions)
    last = transitions[-1]
    size = _extras_size(transitions)
    # A transition without extras beside others that have them continues the decision before it.
    decisions = [transition for transition in transitions if transition.extras.size == size]
    observations, observed = _held(np.concatenate(
        [transitions[0].observations[:1]] + [t.observations[1:] for t in transitions]))
    return Episode(
        observations=observations,
        observed=observed,
        actions=np.concatenate([t.actions for t in transitions]),
        rewards=np.concatenate([t.rewards for t in transitions]),
        terminated=last.terminated,
        success=last.success,
        images=_joined_images(transitions),
        intervened=np.concatenate([t.intervened for t in transitions]),
        decision_starts=np.array([t.first_tick - transitions[0].first_tick for t in decisions]),
        extras=np.stack([t.extras for t in decisions]))


def check_joints(transitions: Sequence[Transition]) -> None:
    """Check that transitions of one episode fit each other where they meet.

    Raises:
        ValueError: As for `join_transitions`.
    """
    if not transitions:
        raise ValueError('no transitions to join')
    for before, after in zip(transitions, transitions[1:]):
        where = f'episode {before.episode_id!r}: transition at tick {after.first_tick}'
        if after.episode_id != before.episode_id:
            raise ValueError(f'{where} belongs to episode {after.episode_id!r}')
        if before.ends_episode:
            raise ValueError(f'{where} comes after the end of the episode')
        expected = before.first_tick + before.steps
        if after.first_tick != expected:
            raise ValueError(f'{where}: expected tick {expected}')
        if not np.array_equal(before.observations[-1], after.observations[0], equal_nan=True):
            raise ValueError(f'{where}: its first observation differs from the last one before it')
    size = _extras_size(transitions)
    if any(transition.extras.size not in (0, size) for transition in transitions):
        sizes = sorted({transition.extras.size for transition in transitions})
        raise ValueError(f'episode {transitions[-1].episode_id!r}: decisions with {sizes} extras')
    shapes = {None if t.images is None else t.images.shape[1:] for t in transitions}
    if len(shapes) > 1:
        raise ValueError(f'episode {transitions[0].episode_id!r}: transitions differ in images')


def _extras_size(transitions: Sequence[Transition]) -> int:
    return max(transition.extras.size for transition in transitions)


def _held(observations: FloatArray) -> tuple[FloatArray, NDArray[np.bool_] | None]:
    """Return observations (N + 1, O) in which rows of NaN have the values of the row before.

    Returns:
        The observations, and (N + 1,) which rows were observed; None if all were.
    """
    observed = observed_rows(observations)
    if observed.all() or not observed.any():
        return observations, None if observed.all() else observed
    rows = np.maximum.accumulate(np.where(observed, np.arange(len(observed)), -1))
    return observations[np.where(rows < 0, int(observed.argmax()), rows)], observed


def _joined_images(transitions: Sequence[Transition]) -> NDArray[np.uint8] | None:
    """Return the images of contiguous transitions; those that two of them share come once."""
    given = [t.images for t in transitions if t.images is not None]
    if not given:
        return None
    return np.concatenate([given[0][:1]] + [images[1:] for images in given])
