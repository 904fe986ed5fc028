# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The checkpoints and the model in a run's folder, written in the background."""

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inril_ros.learning.checkpoints import BackgroundWriter, Checkpoint, CheckpointStore
from inril_ros.learning.policies.artifact import model_document, write_folder
from inril_ros.learning.session import FineTuningSession


class RunCheckpoints:
    """Writes and restores the checkpoints of one run and contract.

    Args:
        folder: The learner's folder in the run.
        keep: Number of checkpoints to keep.
        identity: The run_id and contract_hash that a checkpoint must have.
        heldout: Names of the demonstrations that the model doesn't learn from.
    """

    def __init__(self, folder: Path, keep: int, identity: Mapping[str, str],
                 heldout: Sequence[str] = ()) -> None:
        self._model_folder = folder / 'model'
        self._store = CheckpointStore(folder / 'checkpoints', keep)
        self._writer = BackgroundWriter[dict[str, int]]()
        self._identity = dict(identity)
        self._heldout = list(heldout)
        # The sequence of each robot in the kept checkpoints that this process wrote.
        self._kept: deque[dict[str, int]] = deque(maxlen=keep)

    @property
    def damaged(self) -> list[str]:
        """Descriptions of the checkpoints that `newest` could not read."""
        return self._store.damaged

    def newest(self) -> Checkpoint | None:
        """Return the newest checkpoint that verifies, or None.

        Raises:
            ValueError: It belongs to another run or contract.
        """
        found = self._store.newest()
        for key, expected in self._identity.items():
            if found is not None and found.document[key] != expected:
                raise ValueError(
                    f'{found.folder}: {key} is {found.document[key]}, this is {expected}')
        return found

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._writer.busy

    def begin(self, session: FineTuningSession, sequences: dict[str, int], version: int) -> None:
        """Begin to write a checkpoint and the model, each as a whole or not at all.

        Args:
            session: The session, of which a copy is written.
            sequences: The last ingested sequence of each robot.
            version: The last version of the weights.
        """
        tensors, state = session.state_dict()
        model, config, _ = session.export()
        document: dict[str, Any] = {
            'session': state, 'sequences': sequences, 'version': version, **self._identity}

        def write() -> None:
            self._store.save(tensors, document)
            write_folder(self._model_folder, model, model_document(config, self._heldout),
                         replace=True)

        self._writer.begin(write, sequences)

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
