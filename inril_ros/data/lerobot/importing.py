# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes of a LeRobotDataset as demonstrations.

All is checked before anything is written: joints by name, episodes whole, units, limits. Then a
frame becomes the messages that the robot would have sent at its tick, so that the same code reads
these and recorded demonstrations. The dataset has no observation after the last action: the last
one is repeated. Needs pyarrow, and PyAV for videos.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
import shutil
from uuid import NAMESPACE_URL, uuid4, uuid5

import numpy as np

from inril_ros.data.bags.bags import BagError, EpisodeBag
from inril_ros.data.demonstrations.demonstration_set import add_staged, next_number
from inril_ros.data.importing.episode_messages import EpisodeMessages
from inril_ros.data.importing.imported_episode import ImportedEpisode
from inril_ros.data.lerobot.checked import CheckedEpisode, CheckedImport
from inril_ros.data.lerobot.dataset import Dataset
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.options import LeRobotOptions
from inril_ros.data.lerobot.video import VideoError
from inril_ros.data.raw.messages import message_class, serialised
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import encode_observations
from inril_ros.robot.messages.images import encode_image, encode_png

_SECOND = 1_000_000_000


def import_lerobot(
    dataset: Path, contract: Contract, folder: Path, options: LeRobotOptions | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[ImportedEpisode]:
    """Import a dataset; all of its episodes are added, or none, unless broken ones are skipped.

    Args:
        dataset: The dataset's folder.
        contract: The robot's contract.
        folder: Folder of demonstrations, to which the episodes are added.
        options: What the dataset doesn't say.
        on_note: Called with each sentence about what the dataset was taken for.

    Returns:
        The result for each episode; one that was skipped has its reason.

    Raises:
        LeRobotError: It can't be read, isn't of this robot, or isn't whole.
        VideoError: One of its videos can't be read.
        BagError: It was imported before.
        OSError: The disk is full, or fails.
    """
    options = options or LeRobotOptions()
    staging = folder / f'.import-{uuid4().hex[:8]}'
    try:
        checked = CheckedImport(Dataset(dataset), contract, options, on_note)
        number, done = next_number(folder), []
        for episode in checked.episodes:
            result = _write(checked, episode, staging, number)
            done.append(result)
            number += result.kept
        if any(result.kept for result in done):
            add_staged(staging, folder)
    except (LeRobotError, BagError, VideoError, OSError):
        raise
    except Exception as error:  # a damaged file makes the reader raise almost anything
        raise LeRobotError(f'{dataset}: cannot be read: {error!r}') from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    skipped = [ImportedEpisode(f'episode {episode.index}', 0, 0.0, 0, 0, 0, episode.fault)
               for episode in checked.broken]
    return [*done, *skipped]


def _write(checked: CheckedImport, episode: CheckedEpisode, staging: Path, number: int,
           ) -> ImportedEpisode:
    """Write an episode into a bag; if its images are broken and may be skipped, say so."""
    contract, options = checked.contract, checked.options
    identity = str(uuid5(
        NAMESPACE_URL, f'{episode.digest} {episode.index} {contract.recording_hash}'))
    bag = EpisodeBag(staging, f'{number:04d}_{identity[:8]}')
    messages = EpisodeMessages(bag, contract, identity, episode.outcome, episode.task,
                               options.operator)
    try:
        _write_messages(messages, episode, checked.images(episode))
    except (LeRobotError, VideoError) as error:
        shutil.rmtree(bag.close({}, keep=False))
        if not options.skip_broken:
            raise type(error)(f'{checked.path}: episode {episode.index}: {error}. '
                              '--skip-broken imports the others') from error
        return ImportedEpisode(f'episode {episode.index}', 0, 0.0, 0, 0, 0, str(error))
    bag.close(messages.information(str(checked.path)), keep=True)
    return ImportedEpisode(
        bag.path.name, messages.ticks, messages.ticks * contract.period, bag.messages,
        episode.cut_ticks, unreadable=0, notes=episode.notes)


def _write_messages(
    messages: EpisodeMessages, episode: CheckedEpisode, images: Iterator[list[np.ndarray]],
) -> None:
    """Write the messages of an episode."""
    contract = messages.contract
    start = 1000 * _SECOND
    delay = round(contract.observation_delay * 1e9)
    pictures: list[np.ndarray] = []
    for state, action, pictures in zip(episode.states, episode.actions, images, strict=True):
        stamp = start + messages.ticks * contract.period_ns
        if messages.ticks == 0:
            messages.start(stamp)
        _observe(messages, state, pictures, stamp - delay)
        messages.execute(stamp, action)
    end = start + messages.ticks * contract.period_ns
    _observe(messages, episode.states[-1], pictures, end - delay)
    messages.end(end)


def _observe(
    messages: EpisodeMessages, state: np.ndarray, images: Sequence[np.ndarray], stamp: int,
) -> None:
    """Write the messages that the robot would have sent of a frame."""
    contract, start, values = messages.contract, 0, {}
    for name, entry in contract.observations.items():
        values[name] = state[start:start + entry.length]
        start += entry.length
    for topic, message in encode_observations(contract, values, stamp, message_class):
        messages.bag.write(topic, message.__msgtype__, stamp, serialised(message))
    for camera, image in zip(contract.policy_cameras.values(), images, strict=True):
        message = encode_image(camera, image, stamp, message_class)
        if hasattr(message, 'format'):  # no second loss
            message.format, message.data = 'png', array('B', encode_png(image))
        messages.bag.write(camera.topic, message.__msgtype__, stamp, serialised(message))
