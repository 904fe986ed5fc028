# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The files of a study.

    DIR/study.yaml                 a copy of the study's file
    DIR/clones/<hash>/             demonstrations and cloned policies, shared by the arms
    DIR/clones/<hash>.evaluation-* their success before fine-tuning
    DIR/runs/<run>/run.json        its configuration
    DIR/runs/<run>/progress.json   its progress, written once a second
    DIR/runs/<run>/checkpoint/     where it continues if it is killed
    DIR/runs/<run>/log.txt         the output of its process
    DIR/runs/<run>/rows.jsonl      its results, written when it is finished

Every file is complete or missing: it is written beside its place and renamed.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
import fcntl
import json
from pathlib import Path
from typing import Any

from inril_ros.bench.study import Run
from inril_ros.data.record_files import read_json_lines, RecordError


class Busy(RuntimeError):
    """Another process has the lock."""


class RunPlace:
    """The folder of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / 'run.json'
        self.progress = folder / 'progress.json'
        self.checkpoint = folder / 'checkpoint'
        self.log = folder / 'log.txt'
        self.lock = folder / 'lock'  # held by the process of the run
        self.rows = folder / 'rows.jsonl'

    @property
    def finished(self) -> bool:
        """Whether the run has results."""
        return self.rows.exists()


class StudyPlace:
    """The folder of a study."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.study = folder / 'study.yaml'
        self.clones = folder / 'clones'
        self.results = folder / 'results.jsonl'  # the rows of all runs, to publish

    def run(self, run: Run) -> RunPlace:
        """Return the folder of a run."""
        return RunPlace(self.folder / 'runs' / run.name)

    def read_rows(self, runs: Iterable[Run]) -> list[dict[str, Any]]:
        """Return the rows of the finished ones of these runs, in their order.

        They come from the folders of the runs, or else from ``results.jsonl``. Minutes are those
        of the runs' present rate and time per reset.

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
            found = read_json_lines(self.run(run).rows) or published.get(run.hash, [])
            rows += [{**row, **run.robot.minutes(row)} if 'episodes' in row else row
                     for row in found]
        return rows


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as lines of JSON."""
    return ''.join(f'{json.dumps(row, allow_nan=False, ensure_ascii=False)}\n' for row in rows)


@contextmanager
def only_one(lock: Path, wait: bool) -> Iterator[None]:
    """Let one process at a time into the block; the lock ends with its process.

    Raises:
        Busy: Another process is in the block, and ``wait`` is false.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Busy(f'another process is working on {lock.parent}') from error
        yield
