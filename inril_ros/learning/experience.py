# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Experience as arrays: one decision (Transition), one episode (Episode)."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_ROUNDING = 1e-4
"""Distance beyond +-1 that rounding of units may cause; it is clipped, more is refused."""


@dataclass(frozen=True)
class Transition:
    """One decision of the policy and the S steps that followed, 1 <= S <= T.

    Arrays are converted to their dtype and checked; a ValueError names the field.
    """

    episode_id: str
    first_tick: int
    """Tick of the first step within the episode."""
    observations: FloatArray
    """(S + 1, O), not normalised; the last row is the observation after the last step. A row of
    NaN: there was no valid observation at that tick."""
    actions: FloatArray
    """(S, A) as executed (with noise, interventions and the safety gate), in [-1, 1]."""
    rewards: FloatArray
    """(S,)"""
    source: NDArray[np.uint8]
    """(S,) the source of each command; the codes are the caller's."""
    terminated: bool
    """Whether the last observation is terminal: its value is 0."""
    truncated: bool
    """Whether the episode ends here without a terminal state: values are bootstrapped from the
    last observation."""
    success: bool
    """Whether the episode succeeded; only with an end."""
    extras: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    """(D,) what the host must know about how the decision was drawn; often empty."""
    images: NDArray[np.uint8] | None = None
    """(S + 1, C, H, W, 3) RGB of C cameras, or None."""
    intervened: NDArray[np.bool_] | None = None
    """(S,) whether a person commanded the step; None: no step."""

    def __post_init__(self) -> None:
        where = f'transition of episode {self.episode_id!r} at tick {self.first_tick}'
        if not self.episode_id:
            raise ValueError('transition: episode_id is empty')
        if self.first_tick < 0:
            raise ValueError(f'{where}: first_tick is negative')
        _freeze(self, 'observations', np.float32)
        _freeze(self, 'actions', np.float32)
        _freeze(self, 'rewards', np.float32)
        _freeze(self, 'source', np.uint8)
        _freeze(self, 'extras', np.float32)
        _check_steps(where, self.observations, self.actions, self.rewards, self.observed)
        _freeze(self, 'actions', np.float32, limit=1.0)
        _check_images(self, where)
        _check_intervened(self, where)
        if self.extras.ndim != 1 or not np.isfinite(self.extras).all():
            raise ValueError(f'{where}: extras must be finite and of one dimension')
        if self.source.shape != self.rewards.shape:
            raise ValueError(f'{where}: source has shape {self.source.shape}, '
                             f'expected {self.rewards.shape}')
        if self.terminated and self.truncated:
            raise ValueError(f'{where}: terminated and truncated exclude each other')
        if self.success and not self.ends_episode:
            raise ValueError(f'{where}: success without an end (terminated or truncated)')

    @property
    def steps(self) -> int:
        """Return S, the number of steps executed."""
        return len(self.actions)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Return (S + 1,) whether there was a valid observation."""
        return observed_rows(self.observations)

    @property
    def observed_steps(self) -> int:
        """Return the number of steps that begin at a valid observation."""
        return int(self.observed[:-1].sum())

    @property
    def ends_episode(self) -> bool:
        """Return whether this is the last transition of the episode."""
        return self.terminated or self.truncated


@dataclass(frozen=True)
class Episode:
    """N contiguous steps, from a reset (or the beginning of the record) to an outcome."""

    observations: FloatArray
    """(N + 1, O), not normalised; a row that isn't observed has the values of another one."""
    actions: FloatArray
    """(N, A) executed, in [-1, 1]."""
    rewards: FloatArray
    """(N,)"""
    terminated: bool
    """Whether the last observation is terminal. False is a time-out: values are bootstrapped."""
    success: bool
    images: NDArray[np.uint8] | FloatArray | None = None
    """(N + 1, C, H, W, 3) RGB of C cameras, or what frozen image networks made of them, (N + 1, C,
    P) float32 (see `remembered_images`), or None."""
    intervened: NDArray[np.bool_] | None = None
    """(N,) whether a person commanded the step; None becomes no step."""
    decision_starts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(M,) the first step of each decision of the policy; empty for demonstrations."""
    extras: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(M, D) the extras of each decision."""
    number: int | None = None
    """Its number among the files of a run; None: it is in no file."""
    observed: NDArray[np.bool_] | None = None
    """(N + 1,) whether there was a valid observation; None: at each tick. Nothing is learned about
    the state at a tick without one; its action and reward are known like any other."""

    def __post_init__(self) -> None:
        for name in ('observations', 'actions', 'rewards', 'extras'):
            _freeze(self, name, np.float32)
        _freeze(self, 'decision_starts', np.int64)
        _check_steps('episode', self.observations, self.actions, self.rewards)
        _freeze(self, 'actions', np.float32, limit=1.0)
        _check_images(self, 'episode')
        _check_intervened(self, 'episode')
        _check_observed(self)
        starts = self.decision_starts
        if starts.ndim != 1 or self.extras.ndim != 2 or len(self.extras) != len(starts):
            raise ValueError(f'episode: extras has shape {self.extras.shape}, '
                             f'expected ({starts.size}, D)')
        if len(starts) and not (starts[0] >= 0 and starts[-1] < self.steps
                                and (np.diff(starts) > 0).all()):
            raise ValueError(f'episode: decision_starts {starts.tolist()} must rise within '
                             f'0 .. {self.steps - 1}')

    @property
    def steps(self) -> int:
        """Return N, the number of steps."""
        return len(self.actions)

    @property
    def is_observed(self) -> NDArray[np.bool_]:
        """Return (N + 1,) whether there was a valid observation."""
        if self.observed is None:
            return np.ones(self.steps + 1, np.bool_)
        return self.observed

    def whole_windows(self, starts: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
        """Return for each start whether each step of a window of this length was observed.

        Beyond the end of the episode there is nothing to observe.
        """
        if self.observed is None:
            return np.ones(len(starts), np.bool_)
        blind = np.concatenate([[0], (~self.observed[:-1]).cumsum()])
        ends = np.minimum(starts + length, self.steps)
        return blind[ends] == blind[starts]


def observed_rows(observations: FloatArray) -> NDArray[np.bool_]:
    """Return which rows (N,) of observations (N, O) are known: one of NaN alone is not."""
    return ~np.isnan(observations).all(axis=-1)


def check_sizes(what: str, experience: Episode | Transition, sizes: tuple[int, int],
                image_shape: tuple[int, ...] | None) -> None:
    """Raise a ValueError if the arrays do not have a model's sizes (O, A) and image shape."""
    found = (experience.observations.shape[1], experience.actions.shape[1])
    if found != sizes:
        raise ValueError(f'{what} has (O, A) = {found}, the model {sizes}')
    images = None if experience.images is None else experience.images.shape[1:]
    if image_shape is not None and images != image_shape:
        raise ValueError(f'{what} has images of (C, H, W, 3) = {images}, the model {image_shape}')


def _freeze(instance: object, name: str, dtype: type, limit: float | None = None) -> None:
    """Replace a field of the frozen instance by a read-only copy, within +-limit."""
    array = np.array(getattr(instance, name), dtype=dtype, order='C')
    if limit is not None:
        np.clip(array, -limit, limit, out=array)
    array.setflags(write=False)
    object.__setattr__(instance, name, array)


def _check_steps(where: str, observations: FloatArray, actions: FloatArray,
                 rewards: FloatArray, observed: NDArray[np.bool_] | None = None) -> None:
    if actions.ndim != 2 or len(actions) < 1 or actions.shape[1] < 1:
        raise ValueError(f'{where}: actions has shape {actions.shape}, expected (S >= 1, A >= 1)')
    steps = len(actions)
    if observations.ndim != 2 or len(observations) != steps + 1 or observations.shape[1] < 1:
        raise ValueError(f'{where}: observations has shape {observations.shape}, '
                         f'expected ({steps + 1}, O >= 1)')
    if rewards.shape != (steps,):
        raise ValueError(f'{where}: rewards has shape {rewards.shape}, expected ({steps},)')
    known = observations if observed is None else observations[observed]
    for name, array in (('observations', known), ('actions', actions), ('rewards', rewards)):
        if not np.isfinite(array).all():
            raise ValueError(f'{where}: {name} is not finite')
    if np.abs(actions).max() > 1.0 + _ROUNDING:
        raise ValueError(f'{where}: actions reach {np.abs(actions).max():.6g}; '
                         'they must be normalised to [-1, 1]')


def _check_images(instance: Transition | Episode, where: str) -> None:
    if instance.images is None:
        return
    images = np.asarray(instance.images)
    expected = len(instance.observations)
    pixels = images.dtype == np.uint8 and images.ndim == 5 and images.shape[-1] == 3
    pooled = images.dtype == np.float32 and images.ndim == 3 and isinstance(instance, Episode)
    if not (pixels or pooled):
        raise ValueError(f'{where}: images has shape {images.shape} and type {images.dtype}, '
                         'expected (S + 1, C, H, W, 3) of uint8')
    if len(images) != expected:
        raise ValueError(f'{where}: {len(images)} images, expected {expected}')
    # Images take most of the memory: those that can't change are not copied.
    if images.flags.writeable:
        _freeze(instance, 'images', images.dtype.type)
    else:
        object.__setattr__(instance, 'images', images)


def _check_intervened(instance: Transition | Episode, where: str) -> None:
    if instance.intervened is None:
        object.__setattr__(instance, 'intervened', np.zeros(len(instance.actions), np.bool_))
    _freeze(instance, 'intervened', np.bool_)
    if instance.intervened.shape != (len(instance.actions),):
        raise ValueError(f'{where}: intervened has shape {instance.intervened.shape}, '
                         f'expected ({len(instance.actions)},)')


def _check_observed(episode: Episode) -> None:
    """Check which rows are observed; if all are, that is not kept."""
    if episode.observed is None:
        return
    _freeze(episode, 'observed', np.bool_)
    if episode.observed.shape != (episode.steps + 1,):
        raise ValueError(f'episode: observed has shape {episode.observed.shape}, '
                         f'expected ({episode.steps + 1},)')
    if not episode.observed.any():
        raise ValueError('episode: there is no valid observation at any of its '
                         f'{episode.steps + 1} ticks')
    if episode.observed.all():
        object.__setattr__(episode, 'observed', None)
