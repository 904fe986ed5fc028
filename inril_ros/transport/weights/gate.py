# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which version acts: new versions on trial, the last good one again when episodes get worse.

Versions come faster than each could be judged, so the stream of episodes since the last good
version is judged: its first episodes set the reference, those after it are a trial
(``outcome_comparison``). If a trial ends well, the version that acts then becomes the good one; if
it ends badly, the good one returns and acts alone for a while before the newest is tried again. An
operator can pin the acting version, and roll back by hand.

What is judged is success without a person's help, so an episode that a person helped is evidence
against the version, whatever came of it. It may not be left out either: a person takes over when
they see a failure coming, so the episodes that are left would be those that go well, and beside an
attentive person no collapse would ever be found. A person who takes over more often for another
reason makes a version look worse than it is; the reference counts their help just the same.

Pure state: episodes and commands in, decisions out; the caller carries them out.
"""

from collections import deque
from dataclasses import dataclass

from inril_ros.transport.weights.outcome_comparison import lower_bound, SequentialTest, Verdict


class GateError(ValueError):
    """An operator's command can't be carried out; the message says why."""


@dataclass(frozen=True)
class GateConfig:
    """When episodes are clearly worse, and what follows.

    Attributes:
        automatic: Whether rollbacks are automatic; otherwise only an operator rolls back.
        reference: Episodes that show how good the policy is.
        drop: Drop of the rate of success without help that must be found.
        false_alarm: Highest probability that the trial of a version that is no worse ends in a
            rollback although the reference was right.
        reference_error: Highest probability that any reference of a run is too good.
        miss: Highest probability that the trial of a version worse by ``drop`` ends well.
        rest: Episodes of the good version after a rollback, before the newest is tried.
        most_rollbacks: Rollbacks in a row after which newer versions wait for an operator.
    """

    automatic: bool = True
    reference: int = 20
    drop: float = 0.3
    false_alarm: float = 0.002
    reference_error: float = 0.02
    miss: float = 0.1
    rest: int = 10
    most_rollbacks: int = 3


class VersionGate:
    """The gate's state; see the module docstring.

    Attributes:
        acting: Acting version; 0: loaded from disk.
        good: Version that a rollback returns to.
        pinned: Whether no other version is accepted until ``unpin``.
        rollbacks: Number of rollbacks, automatic or by hand.
        reason: Reason of the last decision.
    """

    def __init__(self, config: GateConfig) -> None:
        self._config = config
        self.acting = 0
        self.good = 0
        self.pinned = False
        self.rollbacks = 0
        self.reason = ''
        self._bar = 0.0  # highest rate of success without help shown so far
        self._references = 0  # reference measurements so far
        self._recent: deque[bool] = deque(maxlen=config.reference)
        self._trial: SequentialTest | None = None
        self._resting = 0  # episodes left in which the good version acts alone
        self._in_a_row = 0

    @property
    def on_trial(self) -> bool:
        """Whether episodes are being counted for and against the acting version."""
        return self._trial is not None

    @property
    def evidence(self) -> float:
        """Likelihood ratio of worse to good in the trial; 1 without one."""
        return self._trial.evidence if self._trial else 1.0

    def takes_new(self) -> bool:
        """Whether a newer version may act now."""
        return not self.pinned and not self._resting

    def begin(self, version: int) -> None:
        """Note that the first version acts: there is no other to return to."""
        self.acting = self.good = version

    def note_acting(self, version: int) -> None:
        """Note that a newer version acts."""
        self.acting = version

    def on_episode_end(self, success: bool, helped: bool) -> int | None:
        """Count an episode that the policy drove, alone or with a person's help.

        Args:
            success: Whether it succeeded.
            helped: Whether a person took over in it.

        Returns:
            The version to return to; None: stay with the acting one.
        """
        success = success and not helped
        if self._resting:  # the good version's own episodes judge nothing
            self._resting -= 1
            if not self._resting and not self.pinned:
                self._begin_trial(f'version {self.good} has rested: newer ones are tried')
            return None
        self._recent.append(success)
        if self._trial is None:
            if len(self._recent) == self._config.reference:
                self._accept(f'reference: {sum(self._recent)} of {len(self._recent)} episodes '
                             'succeeded without a person')
            return None
        verdict = self._trial.add(success)
        if verdict is Verdict.NOT_WORSE:
            self._in_a_row = 0
            self._accept(f'no worse in {self._trial.episodes} episodes')
        elif verdict is Verdict.WORSE:
            return self._found_worse()
        return None

    def pin(self) -> None:
        """Keep the acting version until ``unpin``."""
        self.pinned = True
        self.reason = f'version {self.acting} pinned by an operator'

    def unpin(self) -> None:
        """Accept newer versions again, on trial if a reference is known."""
        self.pinned = False
        self._resting = self._in_a_row = 0
        self.reason = 'unpinned by an operator'
        if self._bar:
            self._begin_trial(self.reason)

    def roll_back(self) -> int:
        """Return to the good version, and stay there until ``unpin``.

        Returns:
            That version.

        Raises:
            GateError: The good version acts already.
        """
        if self.acting == self.good:
            raise GateError(f'version {self.good} is the last good one, and acts')
        self._return('rolled back by an operator')
        self.pinned = True
        return self.good

    def _accept(self, why: str) -> None:
        """Make the acting version the good one; later ones are on trial against the best shown."""
        self.good = self.acting
        if len(self._recent) == self._config.reference:
            # The best of many bounds is wrong more often than each of them. The k-th may be wrong
            # with error / (k (k + 1)), which sum to at most error, however many there are.
            self._references += 1
            error = self._config.reference_error / (self._references * (self._references + 1))
            self._bar = max(self._bar, lower_bound(
                sum(self._recent), len(self._recent), error))
            self._recent.clear()
        self._begin_trial(f'version {self.good} is good: {why}')

    def _begin_trial(self, why: str) -> None:
        self.reason = why
        self._trial = SequentialTest(
            self._bar, self._config.drop, self._config.false_alarm, self._config.miss)

    def _found_worse(self) -> int | None:
        episodes = self._trial.episodes
        if self.acting == self.good or not self._config.automatic:
            # No version to return to, or not allowed: report it and begin another trial.
            self._begin_trial(f'version {self.acting}: clearly worse in {episodes} episodes than '
                              f'the best so far; it stays')
            return None
        self._in_a_row += 1
        self._return(f'version {self.acting} was clearly worse in {episodes} episodes: back to '
                     f'{self.good}')
        if self._in_a_row >= self._config.most_rollbacks:
            self.pinned = True
            self.reason += (f', {self._in_a_row} times in a row by now: pinned until an operator '
                            'unpins')
        else:
            self._resting = self._config.rest
        return self.good

    def _return(self, why: str) -> None:
        self.rollbacks += 1
        self.reason = why
        self.acting = self.good
        self._trial = None
        self._resting = 0
        self._recent.clear()
