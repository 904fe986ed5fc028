# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs in parallel on this machine, each a process with one thread.

Processes share only files: one that fails or is killed affects no other, and a study that is
started again continues with the runs that are missing.
"""

from collections import deque
from collections.abc import Callable, Sequence
import os
from pathlib import Path
import subprocess
import sys
import time

from inril_ros.bench.places import RunPlace, StudyPlace
from inril_ros.bench.pools.status import ProgressWatch, Status
from inril_ros.bench.study import Run
from inril_ros.data.record_files import write_json

_POLL_SECONDS = 0.25
_GRACE = 5.0  # s for a process to end after SIGTERM
_THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')


class RunProcess:
    """The process of a run, in the folder of the run."""

    def __init__(self, run: Run, place: RunPlace, loggers: Sequence[str]) -> None:
        """Begin the run, or go on from its checkpoint."""
        place.folder.mkdir(parents=True, exist_ok=True)
        write_json(place.configuration, run.document, replace=True)
        package = str(Path(__file__).parents[3])
        environment = {
            **os.environ, **dict.fromkeys(_THREADS, '1'),
            # This copy of the package, even if another one is installed.
            'PYTHONPATH': os.pathsep.join(filter(None, [package, os.environ.get('PYTHONPATH')]))}
        environment.setdefault('MUJOCO_GL', 'egl')
        place.progress.unlink(missing_ok=True)  # of an earlier attempt
        with place.log.open('a') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'inril_ros.bench.run', str(place.configuration),
                 *loggers],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment,
                start_new_session=True)  # Ctrl-C reaches the pool only

    @property
    def exit_code(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """End the process: its files are complete at any moment."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def run_all(
    runs: Sequence[Run], place: StudyPlace, jobs: int,
    show: Callable[[list[Status]], None] = lambda statuses: None, loggers: Sequence[str] = (),
) -> list[Status]:
    """Do all runs that aren't finished; return the final state of each run.

    A run that fails doesn't stop the others. An interrupt ends the processes, and the next call
    continues from their checkpoints.

    Args:
        runs: Runs to do, in this order.
        place: Folder of the study.
        jobs: Processes at the same time.
        show: Called a few times a second with the states of all runs.
        loggers: Names of loggers that each run tells its values; see ``live_log``.
    """
    ended: dict[str, Status] = {}
    waiting: deque[Run] = deque()
    for run in runs:
        if place.run(run).finished:
            ended[run.name] = Status(run, 'finished', env_steps=run.env_steps)
        else:
            waiting.append(run)
    active: list[tuple[ProgressWatch, RunProcess]] = []
    try:
        while waiting or active:
            while waiting and len(active) < jobs:
                run = waiting.popleft()
                active.append((ProgressWatch(run, place.run(run)),
                               RunProcess(run, place.run(run), loggers)))
            statuses = {}
            for each in list(active):
                watch, process = each
                statuses[watch.run.name] = status = watch.status(process.exit_code)
                if status.state != 'running':
                    ended[watch.run.name] = status
                    active.remove(each)
            show([ended.get(run.name) or statuses.get(run.name) or Status(run, 'waiting')
                  for run in runs])
            if active:
                time.sleep(_POLL_SECONDS)
    finally:
        for _, process in active:
            process.stop()
    return [ended[run.name] for run in runs]
