# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs in parallel, each a process with one thread.

Processes share only files: one that fails or is killed affects no other, and a study that is
started again continues with the runs that are missing.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import Any

from inril_ros.bench.places import RunPlace, StudyPlace
from inril_ros.bench.study import Run
from inril_ros.data.record_files import read_record, RecordError, write_json

_POLL_SECONDS = 0.25
_GRACE = 5.0  # s for a process to end after SIGTERM
_THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')


@dataclass(frozen=True)
class Status:
    """The present state of a run.

    Attributes:
        run: The run.
        state: ``waiting``, ``running``, ``finished`` or ``failed``.
        doing: Its present activity.
        env_steps: Environment steps done.
        success: Success at the last evaluation point; None before the first.
        seconds: Time since its process began [s].
        gained: Environment steps since its process began to act.
        exit_code: Exit code of its process.
    """

    run: Run
    state: str
    doing: str = ''
    env_steps: int = 0
    success: float | None = None
    seconds: float = 0.0
    gained: int = 0
    exit_code: int | None = None

    @property
    def rate(self) -> float | None:
        """Environment steps per second, with learning and evaluation; None: not known yet."""
        return self.gained / self.seconds if self.gained > 0 and self.seconds > 0 else None


class _Process:
    """The process of a run."""

    def __init__(self, run: Run, place: RunPlace, loggers: Sequence[str]) -> None:
        self.run, self._place = run, place
        place.folder.mkdir(parents=True, exist_ok=True)
        write_json(place.configuration, run.document, replace=True)
        package = str(Path(__file__).parents[2])
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
        self._began = time.monotonic()
        self._first: int | None = None

    def status(self) -> Status:
        """Return the present state of the run."""
        code = self._process.poll()
        facts = _read_progress(self._place)
        steps = int(facts.get('env_steps', 0))
        if self._first is None and facts.get('doing') not in (None, 'cloning'):
            self._first = steps
        state = 'running'
        if code is not None:
            state = 'finished' if code == 0 and self._place.finished else 'failed'
        return Status(
            self.run, state, facts.get('doing', 'starting'),
            self.run.env_steps if state == 'finished' else steps, facts.get('success'),
            time.monotonic() - self._began, steps - (steps if self._first is None
                                                     else self._first), code)

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
    active: list[_Process] = []
    try:
        while waiting or active:
            while waiting and len(active) < jobs:
                run = waiting.popleft()
                active.append(_Process(run, place.run(run), loggers))
            statuses = {process.run.name: process.status() for process in active}
            for process in list(active):
                status = statuses[process.run.name]
                if status.state != 'running':
                    ended[process.run.name] = status
                    active.remove(process)
            show([ended.get(run.name) or statuses.get(run.name) or Status(run, 'waiting')
                  for run in runs])
            if active:
                time.sleep(_POLL_SECONDS)
    finally:
        for process in active:
            process.stop()
    return [ended[run.name] for run in runs]


def seconds_left(statuses: Sequence[Status], jobs: int) -> float | None:
    """Return the time until all runs are done, None if nothing is known yet.

    Arms differ in speed: the rest of a run is estimated at the speed of its arm, if runs since
    this start have shown it, else at the mean of all.
    """
    known = [status for status in statuses if status.rate is not None]
    if not known:
        return None
    mean = sum(status.gained for status in known) / sum(status.seconds for status in known)
    by_arm = {arm: sum(each.gained for each in known if each.run.arm.name == arm)
              / sum(each.seconds for each in known if each.run.arm.name == arm)
              for arm in {each.run.arm.name for each in known}}
    left = [(status.run.env_steps - status.env_steps) / by_arm.get(status.run.arm.name, mean)
            for status in statuses if status.state in ('running', 'waiting')]
    # The last runs don't fill all cores: never less than the longest of them.
    return max([sum(left) / max(jobs, 1), *left], default=0.0)


def _read_progress(place: RunPlace) -> dict[str, Any]:
    try:
        return read_record(place.progress)
    except RecordError:  # not written yet
        return {}
