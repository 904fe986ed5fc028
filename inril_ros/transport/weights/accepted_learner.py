# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whose weights are accepted: those of one learner at a time, unless an operator hands over.

A learner that was killed comes back under another ID and must be accepted; a second learner beside
the first must not. The difference is whether the first one still reports. So a new learner of the
same run waits: it is accepted once the former one has been silent for a while, and refused if that
one reports again. A learner of another run is refused at once. The caller provides the time.
"""

from inril_ros.transport.weights.manifest import Manifest, WeightsRefused

#: [s] A learner that was silent for so long is gone; learners report twice a second.
SILENCE = 3.0


class AcceptedLearner:
    """The learner whose weights are accepted; see the module docstring.

    Args:
        run_id: Its run; empty: that of the first learner.
        silence: [s] Silence after which the learner counts as gone.
    """

    def __init__(self, run_id: str, silence: float = SILENCE) -> None:
        self.run_id = run_id
        self.learner_id = ''
        self._silence = silence
        self._active_at = float('-inf')
        self._waiting: Manifest | None = None
        self._waiting_since = 0.0
        self._handing_over = False

    def note_activity(self, run_id: str, learner_id: str, now: float) -> str:
        """Note that a learner reported.

        Returns:
            Why the waiting learner is refused; empty if none is.
        """
        if not learner_id or (run_id, learner_id) != (self.run_id, self.learner_id):
            return ''
        self._active_at = now
        # Reports that the former learner sent before it died may still be on their way.
        if self._waiting is None or now - self._waiting_since < self._silence / 2:
            return ''
        waiting, self._waiting = self._waiting, None
        return (f'version {waiting.version}: learner {waiting.learner_id[:8]} is a second one: '
                f'{self.learner_id[:8]} is still at work in this run')

    def hand_over(self) -> None:
        """Accept the next learner that comes, of whatever run, in place of the present one."""
        self._handing_over = True

    def admit(self, manifest: Manifest, now: float) -> bool:
        """Return whether a version is accepted now; if not, its learner waits (``pop_waiting``).

        Raises:
            WeightsRefused: The version is of another run.
        """
        if (manifest.run_id, manifest.learner_id) == (self.run_id, self.learner_id):
            self._active_at = now
            return True
        if self.run_id and manifest.run_id != self.run_id and not self._handing_over:
            raise WeightsRefused(f'run {manifest.run_id} is not the run {self.run_id}; '
                                 'an operator can hand over')
        if self._handing_over or not self.run_id or now - self._active_at >= self._silence:
            self._accept(manifest, now)
            return True
        if self._waiting is None or self._waiting.learner_id != manifest.learner_id:
            self._waiting_since = now
        self._waiting = manifest
        return False

    def pop_waiting(self, now: float) -> Manifest | None:
        """Return the version of a learner that has waited long enough, once; None before."""
        if self._waiting is None or now - self._active_at < self._silence:
            return None
        manifest, self._waiting = self._waiting, None
        self._accept(manifest, now)
        return manifest

    def _accept(self, manifest: Manifest, now: float) -> None:
        self.run_id, self.learner_id = manifest.run_id, manifest.learner_id
        self._active_at = now
        self._waiting = None
        self._handing_over = False
