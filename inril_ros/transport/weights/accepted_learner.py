# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whose weights are accepted: those of one learner at a time, unless an operator hands over.

A learner that was killed comes back under another ID and must be accepted; a second learner beside
the first must not. The difference is whether the first one still reports. So a new learner of the
same run waits: it is accepted once the former one has been silent for a while, and refused if that
one reports again.

A learner of another run is refused at once, unless no run is followed yet or an operator has
handed over. Then it is tried: its run is followed when a version of it was found valid, and not
before, or one manifest that nothing follows would lock all others out. Meanwhile others wait; they
are tried next, if it is rejected or falls silent. The caller provides the time.
"""

from inril_ros.transport.weights.manifest import Manifest, WeightsRefused

#: [s] A learner that was silent for so long is gone; learners report twice a second.
SILENCE = 3.0

_Source = tuple[str, str]  # IDs of a run and of a learner


class AcceptedLearner:
    """The learner whose weights are accepted; see the module docstring.

    Args:
        run_id: Its run; empty: that of the first learner of which a version is valid.
        silence: [s] Silence after which a learner counts as gone.

    Attributes:
        run_id: The run that is followed; empty if none is.
        learner_id: The learner that is followed; empty if none is.
    """

    def __init__(self, run_id: str, silence: float = SILENCE) -> None:
        self.run_id = run_id
        self.learner_id = ''
        self._silence = silence
        self._active_at = float('-inf')
        self._tried: _Source | None = None
        self._tried_at = 0.0
        self._waiting: Manifest | None = None
        self._waiting_since = 0.0
        self._handing_over = False

    @property
    def collected_run(self) -> str:
        """The run whose versions are collected: the one that is tried, or else followed."""
        return self.run_id if self._tried is None else self._tried[0]

    def note_activity(self, run_id: str, learner_id: str, now: float) -> str:
        """Note that a learner reported.

        Returns:
            Why the waiting learner is refused; empty if none is.
        """
        if learner_id and (run_id, learner_id) == self._tried:
            self._tried_at = now
            return ''
        if not learner_id or (run_id, learner_id) != (self.run_id, self.learner_id):
            return ''
        self._active_at = now
        if self._handing_over or self._waiting is None:
            return ''
        # Reports that the former learner sent before it died may still be on their way.
        if now - self._waiting_since < self._silence / 2:
            return ''
        waiting, self._waiting = self._waiting, None
        return (f'version {waiting.version}: learner {waiting.learner_id[:8]} is a second one: '
                f'{self.learner_id[:8]} is still at work in this run')

    def hand_over(self) -> None:
        """Try the next learner that comes, of whatever run, and follow it if it is valid."""
        self._handing_over = True

    def admit(self, manifest: Manifest, now: float) -> bool:
        """Return whether a version is collected now; if not, its learner waits (``pop_waiting``).

        Raises:
            WeightsRefused: The version is of another run.
        """
        if self.run_id and manifest.run_id != self.run_id and not self._handing_over:
            raise WeightsRefused(self._of_another_run(manifest))
        if self._has_its_turn(manifest, now):
            self._take(manifest, now)
            return True
        if self._waiting is None or _source(self._waiting) != _source(manifest):
            self._waiting_since = now
        self._waiting = manifest
        return False

    def pop_waiting(self, now: float) -> Manifest | None:
        """Return the version of a learner that has waited long enough, once; None before."""
        if self._waiting is None or not self._has_its_turn(self._waiting, now):
            return None
        manifest, self._waiting = self._waiting, None
        self._take(manifest, now)
        return manifest

    def follow(self, manifest: Manifest, now: float) -> str:
        """Follow the learner that is tried, a version of which was found valid.

        Returns:
            Why the waiting learner is refused; empty if none is.
        """
        if _source(manifest) != self._tried:
            return ''
        waiting = self._waiting
        self._accept(manifest, now)
        self._handing_over = False
        return '' if waiting is None or waiting.run_id == self.run_id else (
            f'version {waiting.version}: {self._of_another_run(waiting)}')

    def reject(self, manifest: Manifest) -> bool:
        """Try others, if the learner of a version that was refused is tried; return whether."""
        if self._tried is None or _source(manifest) != self._tried:
            return False
        self._tried = None
        return True

    def _has_its_turn(self, manifest: Manifest, now: float) -> bool:
        if self._tried is not None and now - self._tried_at < self._silence:
            return _source(manifest) == self._tried
        return (self._handing_over or manifest.run_id != self.run_id
                or manifest.learner_id == self.learner_id
                or now - self._active_at >= self._silence)

    def _take(self, manifest: Manifest, now: float) -> None:
        """Collect a version of a learner: one that is tried first, or follow it at once.

        A learner of the run that is followed need not be tried: it locks nobody out.
        """
        source = _source(manifest)
        if source == (self.run_id, self.learner_id):
            self._active_at, self._tried = now, None
        elif self._handing_over or manifest.run_id != self.run_id:
            self._tried, self._tried_at = source, now
        else:
            self._accept(manifest, now)
        if self._waiting is not None and _source(self._waiting) == source:
            self._waiting = None

    def _accept(self, manifest: Manifest, now: float) -> None:
        self.run_id, self.learner_id = _source(manifest)
        self._active_at = now
        self._tried = self._waiting = None

    def _of_another_run(self, manifest: Manifest) -> str:
        return f'run {manifest.run_id} is not the run {self.run_id}; an operator can hand over'


def _source(manifest: Manifest) -> _Source:
    return manifest.run_id, manifest.learner_id
