# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Import of recordings that others made, any bag of ROS 2 or ROS 1, as demonstrations.

Each episode becomes a bag as the recorder makes it: the messages as they came, the action of each
tick, the events. So the same code reads these and recorded demonstrations. The messages of an
episode are read in one pass, a few at a time. Either all episodes are added, or none.
"""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
import shutil
from uuid import NAMESPACE_URL, uuid4, uuid5

from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.data.bags.recording import open_recording, Recording
from inril_ros.data.demonstrations.demonstration_set import add_staged, next_number
from inril_ros.data.demonstrations.edit_file import edit_file, EditError, read_edits
from inril_ros.data.importing.connections import ImportedConnections
from inril_ros.data.importing.episode_cuts import (
    Cut,
    cut_by_gaps,
    cut_by_table,
    cut_by_topic,
    CutError,
)
from inril_ros.data.importing.import_mapping import check_mapping
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.importing.imported_episode import ImportedEpisode, write_episode
from inril_ros.data.importing.recorded_clocks import RecordedClocks
from inril_ros.data.video.image_topics import ImageTopics
from inril_ros.robot.contract.contract import Contract

_LARGEST_BLOCK = 2**25 - 2**16  # [byte] glibc adapts to no larger ones


def import_bag(
    sources: Sequence[Path], contract: Contract, folder: Path, options: ImportOptions,
    on_episode: Callable[[ImportedEpisode], None] = lambda episode: None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> list[ImportedEpisode]:
    """Import the episodes of a recording; return the result for each episode.

    Episodes with a gap or a missing stream go to ``rejected/``, with the reason.

    Args:
        sources: One bag of ROS 2 (a folder or a file), or the files of one recording of ROS 1.
        contract: The robot's contract.
        folder: Folder of demonstrations, to which the episodes are added.
        options: The import's options.
        on_episode: Called with the result of each episode.
        on_progress: Called now and then with the share of the recording that is done, 0..1.

    Raises:
        BagError: The recording can't be read, lacks a topic, was imported before, or has edits. No
            episode has been added.
        CutError: The recording can't be cut into episodes as asked. No episode has been added.
        MappingError: The mapping doesn't fit the contract.
    """
    check_mapping(options.mapping, contract)
    for source in sources:
        _refuse_edited(source)
    _keep_freed_memory()
    name = ', '.join(map(str, sources))
    staging = folder / f'.import-{uuid4().hex[:8]}'
    try:
        with open_recording(*sources) as reader:
            connections = ImportedConnections(reader, contract, options, name)
            images = ImageTopics(reader, connections.images)
            clocks = RecordedClocks(
                reader, connections.states, connections.stamped, connections.as_sent)
            cuts = _cuts(reader, clocks, options)
            connections.notes += clocks.notes()
            if not cuts:
                raise CutError(f'{name}: holds no episode by the rule {options.cut.kind}')
            results, length = [], max(1, reader.end_time - reader.start_time)
            for number, cut in enumerate(cuts, next_number(folder)):
                identity = str(uuid5(
                    NAMESPACE_URL, f'{Path(name).name} {cut.start} {cut.end} '
                                   f'{contract.recording_hash} {options.mapping}'))
                bag = EpisodeBag(staging, f'{number:04d}_{identity[:8]}')
                results.append(write_episode(
                    bag, reader, connections, contract, images, cut,
                    clocks.between(cut.start, cut.end), options, identity, name,
                    lambda time: on_progress((time - reader.start_time) / length)))
                on_episode(results[-1])
        add_staged(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return results


def _refuse_edited(source: Path) -> None:
    """Refuse a demonstration with edits, which the messages of its bag don't have.

    Raises:
        EditError: It has some.
    """
    if source.is_dir() and read_edits(source).counting:
        raise EditError(
            f'{source}: has edits ({edit_file(source).name}), which would not be imported. It is '
            'a demonstration already: copy the bag and that file into the folder; or inril demos '
            'export --format lerobot, and inril demos import-lerobot')


def _keep_freed_memory() -> None:
    """Make glibc keep the memory of freed chunks for the next ones.

    It keeps up to twice the size of the largest block freed so far. This block is never touched,
    so it costs nothing; the kernel's time for writing 1 GB falls from 0.9 to 0.3 s.
    """
    bytes(_LARGEST_BLOCK)


def _cuts(reader: Recording, clocks: RecordedClocks, options: ImportOptions) -> list[Cut]:
    """Return the episodes in the bag's own time, and read the clocks of the streams."""
    kind, value = options.cut.kind, options.cut.value
    times = clocks.scan()
    if kind == 'gaps':
        return cut_by_gaps(times, options.cut.seconds)
    deque(times, maxlen=0)
    first = reader.start_time or clocks.first
    if kind == 'csv':
        cuts = cut_by_table(Path(value), first)
        outside = [cut for cut in cuts
                   if cut.end > reader.end_time or cut.start < first]
        if outside:
            span = (reader.end_time - first) / 1e9
            raise CutError(f'{value}: an episode begins at '
                           f'{(outside[0].start - first) / 1e9:.3f} s and ends at '
                           f'{(outside[0].end - first) / 1e9:.3f} s; the recording '
                           f'has 0 to {span:.3f} s')
        return cuts
    if kind == 'topic':
        labels = reader.named(value)
        if not labels:
            raise CutError(f'topic:{value}: the bag has no such topic; it has '
                           f'{sorted({connection.topic for connection in reader.connections})}')
        return cut_by_topic(((time, reader.deserialize(raw, connection))
                             for connection, time, raw in reader.messages(labels)),
                            reader.end_time)
    return [Cut(first, reader.end_time)]
