# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts on the running episode: checked when they come, kept until the tick that they judge."""

from collections.abc import Callable
from dataclasses import dataclass

from inril_ros.msg import Outcome
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.nodes.base.verdicts import check_verdict
from inril_ros.robot.contract.rules import JUDGE_TOPIC
from inril_ros.robot.episode import EpisodeMachine, EpisodeOutcome, Phase
from inril_ros.robot.messages.codecs import stamp_ns

_MOST_VERDICTS = 100  # that wait for their ticks


@dataclass(frozen=True)
class VerdictCallbacks:
    """What the verdicts need to know and to tell.

    Attributes:
        began: Returns the stamp [ns] from which observations are of the present episode.
        last_tick: Returns the stamp [ns] of the last tick.
        why_not_trusted: Looks who publishes verdicts; returns why none can be trusted, empty if
            they can.
        on_verdict: Called when a verdict has come.
        on_not_trusted: Called with the reason when one has come that can't be trusted.
    """

    began: Callable[[], int]
    last_tick: Callable[[], int]
    why_not_trusted: Callable[[], str]
    on_verdict: Callable[[], None]
    on_not_trusted: Callable[[str], object]


class EpisodeVerdicts:
    """The verdicts on the episodes of one robot.

    Attributes:
        judged: [ns] Stamp of the newest verdict.
    """

    def __init__(
        self, node: ManagedNode, machine: EpisodeMachine, callbacks: VerdictCallbacks,
    ) -> None:
        self._node = node
        self._machine = machine
        self._callbacks = callbacks
        self.judged = 0
        self._outcomes: dict[int, tuple[EpisodeOutcome, str]] = {}  # by stamp
        self._word: Outcome | None = None
        self._topic = node.contract.episode.outcome_topic
        self._publisher = node.create_publisher(Outcome, self._topic, qos.LOCKSTEP)
        node.create_subscription(Outcome, self._topic, self._on_verdict, qos.LOCKSTEP)
        if node.contract.episode.veto and not node.lockstep:
            node.create_subscription(Outcome, JUDGE_TOPIC, self._on_word, qos.LOCKSTEP)

    def forget(self) -> None:
        """Forget all verdicts: an episode begins."""
        self._outcomes.clear()
        self._word = None

    def between(self, since: int, until: int) -> tuple[EpisodeOutcome, str]:
        """Return the first verdict on the observations between two stamps [ns], with its reason.

        The outcome is UNKNOWN if there is none. An episode is decided once: without a valid
        observation it goes on for a while, and a later verdict changes nothing.
        """
        first = min((at for at in self._outcomes if since <= at <= until), default=None)
        return (EpisodeOutcome.UNKNOWN, '') if first is None else self._outcomes[first]

    def word(self, until: int) -> Outcome | None:
        """Return the judge's verdict, which a person may overrule; None if there is none.

        Args:
            until: [ns] Stamp of the last observation that counts.
        """
        return self._word if self._word and stamp_ns(self._word) <= until else None

    def publish(
        self, success: bool, stamp: int, reason: str = 'judged by a person',
        reward: float | None = None,
    ) -> None:
        """Publish a verdict on the observation at a stamp [ns], as a simulator does.

        Args:
            success: Whether it is a success.
            stamp: [ns] Stamp of the observation.
            reason: Who judged.
            reward: Its reward; None: what a person's verdict brings.
        """
        self._publisher.publish(Outcome(
            header=self._node.header(stamp), reason=reason,
            reward=float(success) if reward is None else reward,
            outcome=Outcome.SUCCESS if success else Outcome.FAILURE))

    def _on_word(self, message: Outcome) -> None:
        """Keep the judge's first verdict on the episode."""
        self._check(message)
        if message.outcome != Outcome.RUNNING and self._machine.phase is Phase.RUNNING:
            self._word = self._word or message

    def _on_verdict(self, message: Outcome) -> None:
        self._check(message)
        stamp = stamp_ns(message)
        self.judged = max(self.judged, stamp)
        if message.outcome != Outcome.RUNNING:
            self._outcomes.setdefault(stamp, (EpisodeOutcome(message.outcome), message.reason))
            if len(self._outcomes) > _MOST_VERDICTS:
                # Of a running episode the first one decides; before it, the old ones are stale.
                begun = self._machine.phase in (Phase.RUNNING, Phase.JUDGED)
                del self._outcomes[(max if begun else min)(self._outcomes)]
                self._node.refused.add(
                    self._topic, f'more than {_MOST_VERDICTS} verdicts wait for their ticks')
        self._callbacks.on_verdict()

    def _check(self, message: Outcome) -> None:
        """Check that a verdict can be, is on the present episode, and can be trusted.

        Raises:
            MessageRefused: It can't, or isn't.
        """
        if message.outcome not in (Outcome.RUNNING, Outcome.SUCCESS, Outcome.FAILURE):
            raise MessageRefused(f'outcome {message.outcome} is unknown')
        lockstep, stamp = self._node.lockstep, stamp_ns(message)
        check_verdict(message, self._node.contract, None if lockstep else self._node.now())
        refusal = self._why_not_of_this_episode(stamp, message.outcome != Outcome.RUNNING)
        if refusal:
            raise MessageRefused(refusal)
        distrusted = self._callbacks.why_not_trusted()
        if distrusted:
            self._callbacks.on_not_trusted(distrusted)
            raise MessageRefused(distrusted)

    def _why_not_of_this_episode(self, stamp: int, final: bool) -> str:
        """Return why a verdict isn't on an observation of the present episode; empty if it is."""
        phase, lockstep, began = self._machine.phase, self._node.lockstep, self._callbacks.began()
        # In lockstep the next observation comes when this one's command has been sent.
        newest = max(self._callbacks.last_tick(), began) + 2 * self._node.contract.period_ns
        if lockstep and phase is Phase.RUNNING and stamp > newest:
            return 'it judges an observation that has not been made yet'
        if not final:
            return ''
        if phase is Phase.IDLE or (phase is Phase.RESETTING and not lockstep):
            return f'no episode runs that it could judge: the phase is {phase.value}'
        if phase is not Phase.RESETTING and stamp < began:
            return (f'it judges an observation from {(began - stamp) / 1e9:.3f} s before the '
                    'first one of the episode')
        return ''
