# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The present state of each run of a study, wherever it is done, and the time that is left."""

from collections.abc import Sequence
from dataclasses import dataclass
import time
from typing import Any

from inril_ros.bench.places import RunPlace
from inril_ros.bench.study import Run
from inril_ros.data.record_files import read_record, RecordError


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


class ProgressWatch:
    """Reads the progress of a run that goes on in its folder."""

    def __init__(self, run: Run, place: RunPlace) -> None:
        self.run, self._place = run, place
        self._began = time.monotonic()
        self._first: int | None = None

    def status(self, exit_code: int | None) -> Status:
        """Return the present state of the run, given the exit code of its process, if any."""
        facts = self._progress()
        steps = int(facts.get('env_steps', 0))
        if self._first is None and facts.get('doing') not in (None, 'cloning'):
            self._first = steps
        state = 'running'
        if exit_code is not None:
            state = 'finished' if exit_code == 0 and self._place.finished else 'failed'
        return Status(
            self.run, state, facts.get('doing', 'starting'),
            self.run.env_steps if state == 'finished' else steps, facts.get('success'),
            time.monotonic() - self._began, steps - (steps if self._first is None
                                                     else self._first), exit_code)

    def _progress(self) -> dict[str, Any]:
        try:
            return read_record(self._place.progress)
        except RecordError:  # not written yet
            return {}


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
