# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the files of a study lie, and what they say about a run.

    DIR/study.yaml                 a copy of what was asked for
    DIR/clones/<hash>/             demonstrations and cloned policies, shared by the arms
    DIR/runs/<run>/run.json        its configuration
    DIR/runs/<run>/progress.json   how far it is, written once a second
    DIR/runs/<run>/checkpoint/     from which it goes on if it is killed
    DIR/runs/<run>/log.txt         what it said
    DIR/runs/<run>/rows.jsonl      its results: there when it is finished, and whole

Every file is whole or not there: it is written beside its place and renamed.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import fcntl
import json
import os
from pathlib import Path
from typing import Any

from inril_ros.bench.study import Run
from inril_ros.data.record_files import read_json_lines, RecordError


class Busy(RuntimeError):
    """Another process is at it."""


@dataclass(frozen=True)
class RunPlace:
    """The folder of a run."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """Its configuration."""
        return self.folder / 'run.json'

    @property
    def progress(self) -> Path:
        """How far it is."""
        return self.folder / 'progress.json'

    @property
    def checkpoint(self) -> Path:
        """From which it goes on."""
        return self.folder / 'checkpoint'

    @property
    def log(self) -> Path:
        """What its process said."""
        return self.folder / 'log.txt'

    @property
    def lock(self) -> Path:
        """Held by the process that does it."""
        return self.folder / 'lock'

    @property
    def rows(self) -> Path:
        """Its results."""
        return self.folder / 'rows.jsonl'

    @property
    def finished(self) -> bool:
        """Whether its results are there."""
        return self.rows.exists()


@dataclass(frozen=True)
class StudyPlace:
    """The folder of a study."""

    folder: Path

    @property
    def study(self) -> Path:
        """The study as it was run."""
        return self.folder / 'study.yaml'

    @property
    def clones(self) -> Path:
        """Demonstrations and cloned policies."""
        return self.folder / 'clones'

    @property
    def results(self) -> Path:
        """The rows of all runs in one file, for a folder that is published."""
        return self.folder / 'results.jsonl'

    def run(self, run: Run) -> RunPlace:
        """Return the place of a run."""
        return RunPlace(self.folder / 'runs' / run.name)

    def read_rows(self, runs: Iterable[Run]) -> list[dict[str, Any]]:
        """Return the rows of these runs, in their order, of those that are finished.

        They are looked for in the folders of the runs and then in ``results.jsonl``.

        Raises:
            RecordError: A file is damaged.
        """
        published: dict[str, list[dict[str, Any]]] = {}
        for number, row in enumerate(read_json_lines(self.results), start=1):
            if 'config_hash' not in row:
                raise RecordError(f'{self.results}, line {number}: has no config_hash')
            published.setdefault(row['config_hash'], []).append(row)
        rows: list[dict[str, Any]] = []
        for run in runs:
            rows += read_json_lines(self.run(run).rows) or published.get(run.hash, [])
        return rows


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as lines of JSON."""
    return ''.join(f'{json.dumps(row, allow_nan=False, ensure_ascii=False)}\n' for row in rows)


def write_whole(path: Path, text: str, sync: bool = True) -> None:
    """Write a file whole, or not at all, over one that is there.

    Args:
        path: Of the file.
        text: Its content.
        sync: It outlives a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    with temporary.open('w', encoding='utf-8') as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    os.replace(temporary, path)


@contextmanager
def only_one(lock: Path, wait: bool) -> Iterator[None]:
    """Let one process at a time into the block; a lock is released when its process ends.

    Raises:
        Busy: Another process is in it, and ``wait`` is false.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Busy(f'another process is at {lock.parent}') from error
        yield
