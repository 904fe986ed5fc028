# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""As many runs at once as there are cores, each a process with one thread.

Processes share nothing but files, so one that fails or is killed takes nothing else with it, and
starting the same study again goes on with what is missing.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import json
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import Any

from inril_ros.bench.places import RunPlace, StudyPlace
from inril_ros.bench.study import Run
from inril_ros.data.record_files import write_json

_POLL_SECONDS = 0.25
_PATIENCE = 5.0  # s for a process to end after it was told to
_THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')


@dataclass(frozen=True)
class Status:
    """A run as it is now.

    Attributes:
        run: Which.
        state: ``waiting``, ``running``, ``finished`` or ``failed``.
        doing: What it says that it does.
        env_steps: Done.
        success: At the last evaluation point; None before.
        seconds: Since its process began.
        gained: [environment steps] Since then.
        exit_code: Of a failed one.
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
        """[environment steps per second], all that a run does included; None: not known yet."""
        return self.gained / self.seconds if self.gained > 0 and self.seconds > 0 else None


class _Process:
    """A run's process."""

    def __init__(self, run: Run, place: RunPlace) -> None:
        self.run, self._place = run, place
        place.folder.mkdir(parents=True, exist_ok=True)
        write_json(place.configuration, run.document, replace=True)
        package = str(Path(__file__).parents[2])
        environment = {
            **os.environ, **dict.fromkeys(_THREADS, '1'),
            # The copy of the package that runs here, wherever another one may be installed.
            'PYTHONPATH': os.pathsep.join(filter(None, [package, os.environ.get('PYTHONPATH')]))}
        environment.setdefault('MUJOCO_GL', 'egl')
        place.progress.unlink(missing_ok=True)  # of an attempt before this one
        with place.log.open('a') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'inril_ros.bench.run', str(place.configuration)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment,
                start_new_session=True)  # Ctrl-C is for the pool alone
        self._began = time.monotonic()
        self._first: int | None = None

    def status(self) -> Status:
        """Return how it is."""
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
        """End it now: what it has saved is whole at any moment."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def run_all(
    runs: Sequence[Run], place: StudyPlace, jobs: int,
    show: Callable[[list[Status]], None] = lambda statuses: None,
) -> list[Status]:
    """Do all runs that aren't finished; return how each of them ended.

    A run that fails doesn't stop the others. If this is interrupted, the processes are ended and
    the next call goes on from their checkpoints.

    Args:
        runs: What to do, in this order.
        place: Where.
        jobs: Processes at once.
        show: Called a few times a second with all runs as they are.
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
                active.append(_Process(run, place.run(run)))
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

    Arms differ in speed: what is left of a run is reckoned at the speed of its own arm if that is
    known from runs of this session, else at the mean of all.
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
        return json.loads(place.progress.read_text(encoding='utf-8'))
    except OSError:  # not written yet
        return {}
