# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whose weights are taken: one learner at a time, unless an operator hands over.

A learner that is killed comes back under another id, and must be taken as it is; a second one
beside the first must not. The difference is whether the first still speaks. So a new learner of
the same run waits: it is taken once the former one has been silent for a while, and refused if
that one is heard again. A learner of another run is refused at once. The clock is the caller's.
"""

from inril_ros.transport.weights.manifest import Manifest, WeightsRefused

#: [s] A learner that was silent for so long is gone; it speaks twice a second.
SILENCE = 3.0


class AcceptedLearner:
    """The one learner whose weights are taken; see the file's head.

    Args:
        run_id: Its run; empty: that of the first one.
        silence: See ``SILENCE``.
    """

    def __init__(self, run_id: str, silence: float = SILENCE) -> None:
        self.run_id = run_id
        self.learner_id = ''
        self._silence = silence
        self._heard_at = float('-inf')
        self._waiting: Manifest | None = None
        self._waiting_since = 0.0
        self._handing_over = False

    def note_activity(self, run_id: str, learner_id: str, now: float) -> str:
        """Note that a learner spoke.

        Returns:
            Why the one that waits is refused, empty if none is.
        """
        if not learner_id or (run_id, learner_id) != (self.run_id, self.learner_id):
            return ''
        self._heard_at = now
        # What the former one had said before it died may still be on its way for a moment.
        if self._waiting is None or now - self._waiting_since < self._silence / 2:
            return ''
        waiting, self._waiting = self._waiting, None
        return (f'version {waiting.version}: learner {waiting.learner_id[:8]} is a second one: '
                f'{self.learner_id[:8]} is still at work in this run')

    def hand_over(self) -> None:
        """Take the next learner that comes, of whatever run, in place of the present one."""
        self._handing_over = True

    def admit(self, manifest: Manifest, now: float) -> bool:
        """Say whether a version is to be taken now; if not, its learner waits (see ``waiting``).

        Raises:
            WeightsRefused: It is of another run.
        """
        if (manifest.run_id, manifest.learner_id) == (self.run_id, self.learner_id):
            self._heard_at = now
            return True
        if self.run_id and manifest.run_id != self.run_id and not self._handing_over:
            raise WeightsRefused(f'run {manifest.run_id} is not the run {self.run_id}; '
                                 'an operator can hand over')
        if self._handing_over or not self.run_id or now - self._heard_at >= self._silence:
            self._follow(manifest, now)
            return True
        if self._waiting is None or self._waiting.learner_id != manifest.learner_id:
            self._waiting_since = now
        self._waiting = manifest
        return False

    def waiting(self, now: float) -> Manifest | None:
        """Return the version of a learner that has waited long enough, once."""
        if self._waiting is None or now - self._heard_at < self._silence:
            return None
        manifest, self._waiting = self._waiting, None
        self._follow(manifest, now)
        return manifest

    def _follow(self, manifest: Manifest, now: float) -> None:
        self.run_id, self.learner_id = manifest.run_id, manifest.learner_id
        self._heard_at = now
        self._waiting = None
        self._handing_over = False
