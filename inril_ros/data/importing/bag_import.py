# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings that others made, as demonstrations: any bag of ROS 2 or ROS 1.

Each episode becomes a bag as the recorder makes it: the messages as they came, the action of each
tick, the events. So all that reads demonstrations reads these, by the same code. One pass, with a
few seconds of messages in memory. All episodes of a bag are there in the end, or none.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
import shutil
from uuid import NAMESPACE_URL, uuid4, uuid5

from rosbags.highlevel import AnyReader

from inril_ros.data.bags.bags import BagError, EpisodeBag
from inril_ros.data.demonstrations.aligned_cache import read_topics
from inril_ros.data.demonstrations.demonstration_set import add_staged, next_number
from inril_ros.data.importing.episode_cuts import (
    Cut,
    cut_by_gaps,
    cut_by_table,
    cut_by_topic,
    CutError,
)
from inril_ros.data.importing.import_mapping import check_mapping, MappingError
from inril_ros.data.importing.imported_episode import ImportedEpisode, write_episode
from inril_ros.data.importing.links import ImportOptions, Links
from inril_ros.data.raw.raw_messages import message_times, raw_messages
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import Contract


def import_bag(
    sources: Sequence[Path], contract: Contract, folder: Path, options: ImportOptions,
    told: Callable[[ImportedEpisode, int], None] = lambda episode, number: None,
) -> list[ImportedEpisode]:
    """Import the episodes of a recording; return what became of each.

    Episodes with a gap or a stream that is missing in them go to ``rejected/`` with the reason.

    Args:
        sources: One bag of ROS 2 (a folder or a file), or files of ROS 1 of one recording.
        contract: Of the robot.
        folder: Of the demonstrations; it may hold some.
        options: See there.
        told: Called after each episode with it and the number of episodes.

    Raises:
        BagError: The recording can't be read, lacks a topic, or was imported before. Nothing of
            it has been added.
        CutError: The episodes can't be told apart as asked; likewise.
        MappingError: The mapping doesn't fit the contract.
    """
    check_mapping(options.mapping, contract)
    name = ', '.join(map(str, sources))
    staging = folder / f'.import-{uuid4().hex[:8]}'
    try:
        with _opened(sources, name) as reader:
            links = Links(reader, contract, options, name)
            cuts = _cuts(reader, links, options)
            if not cuts:
                raise CutError(f'{name}: holds no episode by the rule {options.cut.kind}')
            first = next_number(folder)
            done = []
            for number, cut in enumerate(cuts):
                done.append(_import_one(reader, links, contract, staging, first + number, cut,
                                        options, name))
                told(done[-1], len(cuts))
        add_staged(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return done


@contextmanager
def _opened(sources: Sequence[Path], name: str) -> Iterator[AnyReader]:
    try:
        with AnyReader(list(sources), default_typestore=ros_typestore()) as reader:
            yield reader
    except (BagError, CutError, MappingError):
        raise
    except OSError as error:
        raise BagError(f'{name}: {error.strerror or error}') from error
    except Exception as error:  # a damaged file makes the reader raise almost anything
        raise BagError(f'{name}: cannot be read: {error}') from error


def _cuts(reader: AnyReader, links: Links, options: ImportOptions) -> list[Cut]:
    """Return the episodes in the bag's own time."""
    kind, value = options.cut.kind, options.cut.value
    if kind == 'csv':
        cuts = cut_by_table(Path(value), reader.start_time)
        outside = [cut for cut in cuts
                   if cut.end > reader.end_time or cut.start < reader.start_time]
        if outside:
            span = (reader.end_time - reader.start_time) / 1e9
            raise CutError(f'{value}: an episode begins at '
                           f'{(outside[0].start - reader.start_time) / 1e9:.3f} s and ends at '
                           f'{(outside[0].end - reader.start_time) / 1e9:.3f} s; the recording '
                           f'has 0 to {span:.3f} s')
        return cuts
    if kind == 'gaps':
        return cut_by_gaps(message_times(reader, links.states), options.cut.seconds)
    if kind == 'topic':
        told = [link for link in reader.connections
                if link.topic.lstrip('/') == value.lstrip('/')]
        if not told:
            raise CutError(f'topic:{value}: the bag has no such topic; it has '
                           f'{sorted({link.topic for link in reader.connections})}')
        return cut_by_topic(((time, reader.deserialize(bytes(raw), link.msgtype))
                             for time, link, raw in raw_messages(reader, told)), reader.end_time)
    return [Cut(reader.start_time, reader.end_time)]


def _import_one(
    reader: AnyReader, links: Links, contract: Contract, staging: Path, number: int, cut: Cut,
    options: ImportOptions, name: str,
) -> ImportedEpisode:
    identity = str(uuid5(NAMESPACE_URL, f'{Path(name).name} {cut.start} {cut.end} '
                                        f'{contract.hash} {options.mapping}'))
    bag = EpisodeBag(staging, f'{number:04d}_{identity[:8]}', read=read_topics(contract))
    return write_episode(bag, reader, links, contract, cut, options, identity, name)
