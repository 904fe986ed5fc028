# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A dataset that was checked against a contract: episodes in the contract's order and units."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
import hashlib

import numpy as np

from inril_ros.data.lerobot.camera_names import find_cameras
from inril_ros.data.lerobot.consistency import check_commands_follow
from inril_ros.data.lerobot.dataset import Dataset
from inril_ros.data.lerobot.format import ACTION, LeRobotError, STATE, UNITS
from inril_ros.data.lerobot.images import CameraImages
from inril_ros.data.lerobot.name_map import check_map_used, parse_map
from inril_ros.data.lerobot.names import columns_of, find_columns, names_of
from inril_ros.data.lerobot.options import LeRobotOptions
from inril_ros.data.lerobot.outcomes import outcomes
from inril_ros.data.lerobot.ranges import spans
from inril_ros.data.lerobot.resampling import Resampling
from inril_ros.data.lerobot.unit_choice import decide_units, described
from inril_ros.data.lerobot.units import conversion, parse_units, SI
from inril_ros.data.lerobot.wholeness import (
    Episode,
    find_episodes,
    not_finite,
    total_faults,
    total_notes,
)
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.rotations import check_unit

_MOST_LISTED = 10
# Rates this close are the same.
_SAME_RATE = 1e-3
# Float32 has rounded the limits too.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class CheckedEpisode:
    """An episode that is whole, in the contract's order and units.

    Attributes:
        source: The episode in the dataset.
        states: Observations (n, S), one after the other as in the contract.
        actions: Actions (n, A) within the contract's limits.
        outcome: How it ended.
        task: Its task.
        cut_ticks: Number of ticks whose action was cut to the limits.
        notes: Sentences about what was done to it.
        digest: SHA-256 of its values in the dataset: the same episode, however it is imported.
    """

    source: Episode
    states: np.ndarray
    actions: np.ndarray
    outcome: EpisodeOutcome
    task: str
    cut_ticks: int
    notes: tuple[str, ...]
    digest: str

    @property
    def index(self) -> int:
        """Its number in the dataset."""
        return self.source.index


class CheckedImport:
    """The episodes of a dataset that can be imported.

    Attributes:
        path: The dataset's folder.
        contract: The robot's contract.
        options: The import's options.
        episodes: The whole episodes.
        broken: The others, each with its fault.
    """

    def __init__(self, dataset: Dataset, contract: Contract, options: LeRobotOptions,
                 on_note: Callable[[str], None]) -> None:
        """Check a dataset.

        Raises:
            LeRobotError: It doesn't fit the contract, or isn't whole; the message says what to do.
        """
        self.path, self.contract, self.options = dataset.path, contract, options
        self._dataset, self._on_note = dataset, on_note
        self._resample = self._check_rate()
        given = parse_map(options.names, contract)
        features = [dataset.feature(STATE), dataset.feature(ACTION)]
        check_map_used(given, features, contract)
        self._columns = {STATE: columns_of(contract.observations),
                         ACTION: columns_of(contract.actions)}
        self._places = {name: find_columns(columns, dataset.feature(name), given,
                                           f'{self.path}: {name}')
                        for name, columns in self._columns.items()}
        cameras = find_cameras(contract, dataset.features, given, str(self.path))
        self._cameras = [CameraImages(dataset, name, contract.cameras[camera], options.stretch)
                         for camera, name in cameras.items()]
        whole = self._whole_episodes(list(cameras.values()))
        values = self._converted([self._values(episode) for episode in whole])
        try:
            found, sentence = outcomes(
                dataset.frames, [episode.rows for episode in whole], options.outcome)
        except LeRobotError as error:
            raise LeRobotError(f'{self.path}: {error}') from error
        on_note(f'outcomes: {sentence}')
        self.episodes = [
            self._checked(episode, part[STATE], part[ACTION], outcome)
            for episode, part, outcome in zip(whole, values, found, strict=True)]
        self._say_the_rest(cameras)

    def images(self, episode: CheckedEpisode) -> Iterator[list[np.ndarray]]:
        """Yield the images of the policy's cameras (height, width, 3) uint8 for each tick.

        Raises:
            LeRobotError: One can't be read.
            VideoError: One can't be read from a video.
        """
        streams = [camera.of(episode.source) for camera in self._cameras]
        if self._resample:
            ticks = self._ticks(len(episode.source.rows))
            streams = [ticks.images(stream) for stream in streams]
        for _ in range(len(episode.actions)):
            yield [next(stream) for stream in streams]

    def _check_rate(self) -> bool:
        """Return whether frames become ticks at another rate."""
        theirs, ours = self._dataset.rate, self.contract.control_rate
        if abs(theirs - ours) <= _SAME_RATE:
            return False
        if not self.options.resample:
            raise LeRobotError(
                f'{self.path}: has {theirs:g} frames per second, the contract {ours:g} Hz. '
                f'--resample makes ticks at {ours:g} Hz: states between the frames around them, '
                'the action in force, the newest image')
        self._on_note(f'resampled from {theirs:g} to {ours:g} Hz: states lie between the frames '
                      'around a tick, actions and images are the newest at or before it')
        return True

    def _ticks(self, frames: int) -> Resampling:
        return Resampling.of(frames, self._dataset.rate, self.contract.control_rate)

    def _whole_episodes(self, images: Sequence[str]) -> list[Episode]:
        """Return the whole episodes; keep the others as ``broken``."""
        found = find_episodes(self._dataset, images)
        totals = total_faults(self._dataset, found)
        checked = [episode if episode.fault else replace(
            episode, fault=self._value_fault(episode)) for episode in found]
        self.broken = [episode for episode in checked if episode.fault]
        faults = [*totals, *(f'episode {episode.index} {episode.fault}'
                             for episode in self.broken)]
        whole = [episode for episode in checked if not episode.fault]
        if faults and (not self.options.skip_broken or not whole):
            more = len(faults) - _MOST_LISTED
            listed = [f'  {fault}' for fault in faults[:_MOST_LISTED]]
            listed += [f'  and {more} more'] * (more > 0)
            listed += [f'--skip-broken imports the {len(whole)} of {len(found)} that are whole'
                       if whole else 'No episode is whole']
            raise LeRobotError('\n'.join([
                f'{self.path}: is not whole, so nothing is imported:', *listed]))
        for fault in totals:
            self._on_note(fault)
        for note in total_notes(self._dataset, found):
            self._on_note(note)
        return whole

    def _values(self, episode: Episode) -> dict[str, np.ndarray]:
        """Return states and actions (n, size) in the contract's order and the dataset's unit."""
        return {name: self._dataset.frames[name][np.ix_(episode.rows, places)]
                for name, places in self._places.items()}

    def _value_fault(self, episode: Episode) -> str:
        """Return which numbers of an episode can't be."""
        values = self._values(episode)
        names = {name: [column.name for column in columns]
                 for name, columns in self._columns.items()}
        fault = not_finite(names, values)
        if fault:
            return fault
        start = 0
        for name, entry in self.contract.observations.items():
            start += entry.length
            for frame, value in enumerate(values[STATE][:, start - 4:start]
                                          if entry.has_quaternion else ()):
                try:
                    check_unit(value)
                except ValueError as error:
                    return f'has in {name} at frame {frame}: {error}'
        return ''

    def _converted(self, values: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        """Return states and actions (n, size) of each episode in the contract's units."""
        columns = [*self._columns[STATE], *self._columns[ACTION]]
        features = {name: self._dataset.feature(name) for name in self._columns}
        known = {name: (feature.get('info') or {}).get(UNITS) == SI
                 for name, feature in features.items()}
        try:
            given = parse_units(self.options.units, self.contract, columns)
            found = []
            for name, ours in self._columns.items():
                theirs = names_of(features[name])[0]
                found += spans(ours, [theirs[place] for place in self._places[name]],
                               [part[name] for part in values], self.contract, known[name])
            units = decide_units(found, given, self.contract)
            of = dict(zip(columns, units, strict=True))
            convert = {name: conversion(ours, [of[column] for column in ours], self.contract)
                       for name, ours in self._columns.items()}
            result = [{name: convert[name](part[name]) for name in part} for part in values]
            if not all(known.values()):
                check_commands_follow(self._columns, result, self.contract)
        except LeRobotError as error:
            raise LeRobotError(f'{self.path}: {error}') from error
        for line in described(found, units):
            self._on_note(line)
        return result

    def _checked(self, episode: Episode, states: np.ndarray, actions: np.ndarray,
                 outcome: EpisodeOutcome) -> CheckedEpisode:
        """Return an episode at the contract's rate, its actions within the limits."""
        if self._resample:
            ticks = self._ticks(len(states))
            states = ticks.states(states, self.contract)
            actions = actions[ticks.before]
        low, high = self.contract.action_minimum, self.contract.action_maximum
        beyond = np.maximum(low - actions, actions - high)
        cut = beyond > _ROUNDING * (high - low)
        notes = [*episode.notes]
        for place in np.flatnonzero(cut.any(0)):
            column = self._columns[ACTION][place]
            notes.append(f'{column.name} was up to {beyond[:, place].max():.3g} beyond its limits '
                         f'in {cut[:, place].sum()} of {len(cut)} ticks and was cut to them')
        task, note = self._task(episode)
        digest = hashlib.sha256(b''.join(self._dataset.frames[name][episode.rows].tobytes()
                                         for name in (STATE, ACTION))).hexdigest()
        return CheckedEpisode(
            episode, states, np.clip(actions, low, high).astype(np.float32), outcome, task,
            int(cut.any(1).sum()), (*notes, *note), digest)

    def _task(self, episode: Episode) -> tuple[str, list[str]]:
        """Return an episode's task, and what is to be said about it."""
        told = [str(task) for task in episode.entry.get('tasks') or () if task]
        numbers = np.unique(self._dataset.frames['task_index'][episode.rows]) if (
            'task_index' in self._dataset.frames) else ()
        table = self._dataset.tasks
        by_number = [table[int(number)] for number in numbers if int(number) in table]
        if not (told or by_number):
            return self.options.task, ([] if self.options.task else [
                'its task is neither in meta/episodes nor in meta/tasks: it has none'])
        notes = []
        if told and by_number and set(told) != set(by_number):
            notes = [f'meta/episodes gives it the task {", ".join(told)}, and its frames '
                     f'{", ".join(by_number)}: the first is kept']
        return ', '.join(told or by_number), notes

    def _say_the_rest(self, cameras: dict[str, str]) -> None:
        """Say what was done to images, and which episodes are the same."""
        for camera, name in cameras.items():
            self._on_note(f'camera {camera} is {name}')
        for note in [note for camera in self._cameras for note in camera.notes]:
            self._on_note(note)
        seen: dict[str, int] = {}
        for episode in self.episodes:
            first = seen.setdefault(episode.digest, episode.index)
            if first != episode.index:
                self._on_note(f'episode {episode.index} has the same states and actions as '
                              f'episode {first}: is it there twice?')
