# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a dataset's episodes are whole: what was lost, doubled or mixed up.

Three places say how long an episode is: the table of episodes, the frames, and the totals in
``meta/info.json``. An episode for which they differ is not whole.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from inril_ros.data.lerobot.dataset import Dataset
from inril_ros.data.lerobot.format import ACTION, DONE, REWARD, STATE, SUCCESS, TRUNCATED

# Times are kept as float32, which holds one hour to 0.2 ms.
_TIME_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Episode:
    """An episode of a dataset.

    Attributes:
        index: Its number in the dataset.
        rows: Row numbers (n,) of its frames, in their order.
        entry: Its row in the table of episodes.
        fault: Why it is not whole; empty if it is.
        notes: What was mended.
    """

    index: int
    rows: np.ndarray
    entry: dict
    fault: str = ''
    notes: tuple[str, ...] = ()


def find_episodes(dataset: Dataset, images: Collection[str]) -> list[Episode]:
    """Return the episodes of a dataset by number, whole or not.

    An episode that only one of the three places knows is among them, with its fault.

    Args:
        dataset: The dataset.
        images: The image features that are imported.
    """
    frames = dataset.frames
    order = np.argsort(frames['episode_index'], kind='stable')
    numbers, starts = np.unique(frames['episode_index'][order], return_index=True)
    rows = dict(zip(map(int, numbers), np.split(order, starts[1:]), strict=True))
    entries: dict[int, list[dict]] = {}
    for entry in dataset.episodes:
        entries.setdefault(entry['episode_index'], []).append(entry)
    told = int(dataset.info.get('total_episodes', len(entries)))
    wanted = sorted({*rows, *entries})
    # A gap in the numbers is a lost episode only if the total counts it.
    lost = [index for index in range(told) if index not in wanted][:max(0, told - len(wanted))]
    videos = [name for name in images if dataset.features[name]['dtype'] == 'video'
              and not dataset.one_file_per_episode]
    found = [_episode(dataset, index, rows.get(index, np.array([], int)),
                      entries.get(index, []), videos) for index in sorted([*wanted, *lost])]
    shared = _shared_images(dataset, found, videos)
    return [replace(episode, fault=shared[episode.index]) if episode.index in shared else episode
            for episode in found]


def total_faults(dataset: Dataset, episodes: list[Episode]) -> list[str]:
    """Return what is wrong with the totals of ``meta/info.json`` where each episode is whole."""
    if any(episode.fault for episode in episodes):
        return []  # these say more
    faults = []
    for key, found in (('total_episodes', len(episodes)),
                       ('total_frames', sum(len(episode.rows) for episode in episodes))):
        told = dataset.info.get(key)
        if told is not None and int(told) != found:
            faults.append(f'meta/info.json says {key} {told}, and {found} are there')
    return faults


def total_notes(dataset: Dataset, episodes: list[Episode]) -> list[str]:
    """Return what is odd about a dataset, but harms nothing here."""
    notes = []
    numbers = [episode.index for episode in episodes]
    if numbers != list(range(len(numbers))):
        gaps = sorted(set(range(numbers[-1] + 1)) - set(numbers))
        notes.append(f'the numbers of the episodes have gaps, as after deleting some: '
                     f'{_listed(gaps)}')
    if 'index' in dataset.frames and len(np.unique(dataset.frames['index'])) < len(
            dataset.frames['index']):
        notes.append('index, the number of a frame in the dataset, is not unique; episodes are '
                     'found by episode_index')
    return notes


def _episode(
    dataset: Dataset, index: int, rows: np.ndarray, entries: list[dict], videos: Collection[str],
) -> Episode:
    """Return an episode with its fault, or with what could be mended."""
    entry = entries[0] if entries else {}
    fault = _presence_fault(dataset, index, rows, entries)
    if fault:
        return Episode(index, rows, entry, fault)
    frames, notes = dataset.frames, []
    number = frames['frame_index'][rows]
    if (np.diff(number) < 0).any():
        rows = rows[np.argsort(number, kind='stable')]
        notes.append('its frames were not in their order and were sorted by frame_index')
    fault = (_order_fault(dataset, rows, entry) or _value_fault(dataset, rows)
             or _video_fault(dataset, entry, len(rows), videos))
    notes += _wrong_pointers(dataset, rows, entry)
    return Episode(index, rows, entry, fault, tuple(notes))


def _presence_fault(dataset: Dataset, index: int, rows: np.ndarray, entries: list[dict]) -> str:
    """Return what is wrong with the number of frames and of rows in the table of episodes."""
    if not entries and not len(rows):
        return (f'is lost: meta/info.json says total_episodes {dataset.info["total_episodes"]}, '
                'and neither meta/episodes nor data has it')
    if not entries:
        return (f'has {len(rows)} frames in data, but no row in meta/episodes: the recording was '
                'not finished')
    if len(entries) > 1:
        return f'has {len(entries)} rows in meta/episodes'
    length = entries[0].get('length')
    if not len(rows):
        return f'has no frames in data; meta/episodes says {length}: a parquet file is missing'
    if not isinstance(length, int):
        return f'has the length {length!r} in meta/episodes'
    return ''


def _order_fault(dataset: Dataset, rows: np.ndarray, entry: dict) -> str:
    """Return what is wrong with the frames' numbers and times; rows are in their order."""
    frames, length = dataset.frames, entry['length']
    number = frames['frame_index'][rows]
    twice = number[1:][np.diff(number) == 0]
    if len(twice):
        return f'has {len(rows)} frames, and frame_index {_listed(np.unique(twice))} twice or more'
    missing = sorted(set(range(max(length, int(number[-1]) + 1))) - set(number.tolist()))
    if missing:
        return (f'has {len(rows)} of {max(length, int(number[-1]) + 1)} frames; without those of '
                f'frame_index {_listed(missing)}')
    if number[0] != 0 or len(rows) != length:
        return f'has {len(rows)} frames, {number[0]} to {number[-1]}; meta/episodes says {length}'
    time = frames['timestamp'][rows]
    late = np.abs(time - number / dataset.rate)
    tolerance = _TIME_TOLERANCE + np.abs(time) * 1e-6
    if not np.isfinite(time).all() or (late > tolerance).any():
        first = int(np.flatnonzero(~(late <= tolerance))[0])
        steps = np.diff(time)
        step = float(np.median(steps)) if len(steps) else 0.0
        rate = f' (its steps are those of {1 / step:.4g} per second)' if step > 0.0 else ''
        return (f'has timestamp {time[first]:.4f} s at frame {first}, where {dataset.rate:g} '
                f'frames per second give {first / dataset.rate:.4f} s{rate}')
    if 'index' in frames:
        index = frames['index'][rows] - number
        if (index != index[0]).any():
            first = int(np.flatnonzero(index != index[0])[0])
            return ('has two orders: index and frame_index contradict each other from frame '
                    f'{first} on')
    return ''


def _value_fault(dataset: Dataset, rows: np.ndarray) -> str:
    """Return where the rewards or flags of an episode aren't numbers, or mark several episodes."""
    for name in (REWARD, SUCCESS, DONE, TRUNCATED):
        values = dataset.frames.get(name)
        if values is not None and not np.isfinite(values[rows]).all():
            first = int(np.flatnonzero(~np.isfinite(values[rows]))[0])
            return f'has {name} {values[rows][first]} at frame {first}'
    if DONE in dataset.frames:
        done = dataset.frames[DONE][rows] > 0.5
        again = np.flatnonzero(done[:-1] & ~done[1:])
        if len(again):
            return (f'has {DONE} at frame {again[0]} of {len(rows)} and goes on: it is more than '
                    'one episode')
    return ''


def not_finite(names: dict[str, list[str]], values: dict[str, np.ndarray]) -> str:
    """Return where a state or an action is no finite number; empty if all are.

    Args:
        names: The contract's names of the numbers, by feature.
        values: Vectors (n, size) of an episode, by feature.
    """
    for feature in (STATE, ACTION):
        rows, places = np.nonzero(~np.isfinite(values[feature]))
        if len(rows):
            affected = _listed([names[feature][place] for place in sorted(set(places.tolist()))])
            return (f'has {values[feature][rows[0], places[0]]} in {feature} at frame {rows[0]}: '
                    f'{affected} ({len(set(rows.tolist()))} frames in all)')
    return ''


def _video_fault(
    dataset: Dataset, entry: dict, number: int, videos: Collection[str],
) -> str:
    """Return which video spans another time than the episode."""
    for name in videos:
        place = [entry.get(f'videos/{name}/{part}') for part in (
            'chunk_index', 'file_index', 'from_timestamp', 'to_timestamp')]
        if not all(isinstance(part, int | float) and np.isfinite(part) for part in place):
            return f'has no place in the video {name} in meta/episodes: {place}'
        images = (place[3] - place[2]) * dataset.rate
        if abs(images - number) > 0.5:
            return (f'has {number} frames, and its video {name} goes from {place[2]:.3f} to '
                    f'{place[3]:.3f} s, which is {images:.1f} images')
    return ''


def _shared_images(
    dataset: Dataset, episodes: list[Episode], videos: Collection[str],
) -> dict[int, str]:
    """Return the episodes whose images in a video are also those of another, with that fault."""
    faults = {}
    for name in videos:
        parts = sorted((*(episode.entry[f'videos/{name}/{part}'] for part in (
            'chunk_index', 'file_index', 'from_timestamp', 'to_timestamp')), episode.index)
            for episode in episodes if not episode.fault)
        for before, after in pairwise(parts):
            if before[:2] == after[:2] and after[2] < before[3] - 0.5 / dataset.rate:
                faults[after[4]] = (f'begins at {after[2]:.3f} s in its video {name}, within '
                                    f'episode {before[4]}, which ends at {before[3]:.3f} s')
    return faults


def _wrong_pointers(dataset: Dataset, rows: np.ndarray, entry: dict) -> list[str]:
    """Return notes on where the table of episodes points, if the episode's frames are not there.

    Converters have left such tables; the frames themselves say whose they are.
    """
    notes = []
    first, last = entry.get('dataset_from_index'), entry.get('dataset_to_index')
    if first is not None and last is not None and last - first != len(rows):
        notes.append(f'meta/episodes gives it the frames {first} to {last} of the dataset, which '
                     f'are not {len(rows)}; its frames were found by episode_index')
    try:
        told = dataset.path / str(dataset.info['data_path']).format(
            chunk_index=entry.get('data/chunk_index', 0),
            file_index=entry.get('data/file_index', 0), episode_index=entry['episode_index'],
            episode_chunk=entry['episode_index'] // int(dataset.info.get('chunks_size', 1000)))
    except (KeyError, ValueError, IndexError):
        return notes
    files = {dataset.files[number] for number in np.unique(dataset.frames['file'][rows])}
    if told not in files:
        names = ', '.join(sorted(str(file.relative_to(dataset.path)) for file in files))
        notes.append('meta/episodes names another file for its frames than the one that has them, '
                     f'{names}')
    return notes


def _listed(items: object) -> str:
    """Return the first of many, and how many more there are."""
    texts = [str(item) for item in items]
    more = f' and {len(texts) - 8} more' if len(texts) > 8 else ''
    return ', '.join(texts[:8]) + more
