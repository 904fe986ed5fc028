# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The checkpoints and the model in a run's folder, written in the background."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
import reprlib
from typing import Any

from inril_ros.learning.checkpoints import BackgroundWriter, Checkpoint, CheckpointStore
from inril_ros.learning.episode_intake import MOST
from inril_ros.learning.policies.artifact import model_document, write_folder
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.stored.context_files import checked_entries
from inril_ros.learning.stored.experience_store import ExperienceStore, referred
from inril_ros.transport.weights import version_numbers

_NO_SESSION = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a session raises that is given tensors and a document of something else."""


class RunCheckpoints:
    """Writes and restores the checkpoints of one run and contract.

    Args:
        folder: The learner's folder in the run.
        keep: Number of checkpoints to keep.
        identity: The run_id and contract_hash that a checkpoint must have.

    Attributes:
        experience: The files of the episodes that checkpoints refer to.
    """

    def __init__(self, folder: Path, keep: int, identity: Mapping[str, str]) -> None:
        self._model_folder = folder / 'model'
        self._store = CheckpointStore(folder / 'checkpoints', keep)
        self.experience = ExperienceStore(folder / 'checkpoints' / 'experience', keep)
        self._writer = BackgroundWriter[dict[str, int]]()
        self._identity = dict(identity)
        # The sequence of each robot in the kept checkpoints that this process wrote.
        self._kept: deque[dict[str, int]] = deque(maxlen=keep)

    @property
    def damaged(self) -> list[str]:
        """Descriptions of the checkpoints that `newest` found damaged and put aside."""
        return self._store.damaged

    @property
    def unreadable(self) -> list[str]:
        """Descriptions of those that the disk did not give to `newest`, and that are left."""
        return self._store.unreadable

    def newest(self) -> Checkpoint | None:
        """Return the newest checkpoint that verifies, or None.

        Raises:
            ValueError: It belongs to another run or contract.
            OSError: As `CheckpointStore.newest`.
        """
        found = self._store.newest(check_document)
        for key, expected in self._identity.items():
            if found is not None and found.document[key] != expected:
                raise ValueError(
                    f'{found.folder}: {key} is {found.document[key]}, this is {expected}')
        return found

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._writer.busy

    def restore(self, found: Checkpoint, session: FineTuningSession,
                progress: Callable[[int, int], None]) -> list[str]:
        """Continue a session from a checkpoint.

        Args:
            found: The checkpoint.
            session: A new session; with the store of experience unless `is_whole(found)`.
            progress: Called with the number of episodes that were read, and of all.

        Returns:
            What of its experience is damaged and left out.

        Raises:
            ValueError: The checkpoint does not fit the session; the message names the one that
                comes next if this one is moved away.
            OSError: The disk can't be read.
        """
        damaged: list[str] = []
        episodes = None if is_whole(found) else self.experience.read(
            found.tensors, found.document['experience'], damaged, progress)
        try:
            left_out = session.load_state_dict(found.tensors, found.document['session'], episodes)
        except _NO_SESSION as error:
            older = self._store.older(found)
            raise ValueError(
                f'{found.folder} cannot be continued from: {type(error).__name__}: {error}. '
                + (f'Once it is moved away, the learner continues from {older[0]}' if older else
                   'Once it is moved away, the learner learns again from its journal')
            ) from error
        return damaged + left_out

    def begin(self, session: FineTuningSession, sequences: dict[str, int], version: int,
              heldout: Sequence[str] = (), rest: Mapping[str, float] | None = None) -> None:
        """Begin to write a checkpoint and the model, each as a whole or not at all.

        Args:
            session: The session, of which a copy is written.
            sequences: The last ingested sequence of each robot.
            version: The last version of the weights.
            heldout: Names of the demonstrations that the model doesn't learn from.
            rest: Rules by which rest is left out of the others.
        """
        write_checkpoint = self._prepared(session, {
            'sequences': sequences, 'version': version, **self._identity})
        model, config, _ = session.export()

        def write() -> None:
            write_checkpoint()
            write_folder(self._model_folder, model, model_document(config, heldout, rest),
                         replace=True)

        self._writer.begin(write, sequences)

    def _prepared(self, session: FineTuningSession,
                  document: Mapping[str, Any]) -> Callable[[], object]:
        """Return what writes a checkpoint of the session as it is now."""
        if not session.in_files:
            tensors, state = session.state_dict()
            return partial(self._store.save, tensors, {**document, 'session': state})
        snapshot = session.snapshot()

        def write() -> None:
            # First what the checkpoint refers to, then the checkpoint, then what none needs.
            tensors, entries = self.experience.save(snapshot.numbers)
            self._store.save({**snapshot.tensors, **tensors}, {
                **document, 'session': snapshot.document, 'experience': entries})
            self.experience.release(snapshot.numbers, snapshot.below, entries)
        return write

    def finished(self, wait: bool = False) -> dict[str, int] | None:
        """Return the sequences of a checkpoint that is now on disk, once; else None.

        Args:
            wait: Until the one in progress is written.

        Raises:
            OSError: It could not be written.
        """
        written = self._writer.finished(wait)
        if written is not None:
            self._kept.append(written)
        return written

    def kept_sequence(self, robot: str) -> int:
        """Return the sequence of a robot that every kept checkpoint has, 0 if unknown."""
        return self._kept[0].get(robot, 0) if len(self._kept) == self._kept.maxlen else 0

    def close(self) -> None:
        """Wait for the checkpoint that is being written."""
        self._writer.close()


def check_document(found: Checkpoint) -> None:
    """Raise a ValueError if a checkpoint does not say what a learner needs to continue."""
    document = found.document
    if not isinstance(document, dict):
        raise ValueError(f'the document is no mapping: {reprlib.repr(document)}')
    for key in ('session', 'run_id', 'contract_hash'):
        if not isinstance(document.get(key), str):
            raise ValueError(f'{key} is no text: {reprlib.repr(document.get(key))}')
    # A former version knew one robot, and did not name it.
    sequences = document.get('sequences', {'the robot': document.get('sequence')})
    if not isinstance(sequences, dict):
        raise ValueError(f'sequences is no mapping: {reprlib.repr(sequences)}')
    for robot, sequence in sequences.items():
        _check_number(f'sequence of {robot}', sequence, MOST - 1)
    # A policy refuses versions beyond that, so nothing would follow such a checkpoint.
    _check_number('version', document.get('version'), version_numbers.MOST)
    if not is_whole(found):
        checked_entries(document['experience'])
        referred(found.tensors)


def _check_number(what: str, number: object, most: int) -> None:
    if type(number) is not int or not 0 <= number <= most:
        raise ValueError(f'{reprlib.repr(what)} is {reprlib.repr(number)}, expected an integer '
                         f'from 0 to {most}')


def is_whole(found: Checkpoint) -> bool:
    """Return whether a checkpoint holds all experience itself, as a former version wrote them.

    A run that began with such checkpoints goes on with them.
    """
    return 'experience' not in found.document
