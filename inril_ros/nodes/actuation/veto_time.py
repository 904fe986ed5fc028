# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The time in which a person may overrule the judge, before its verdict counts.

Only the verdict that counts is published where verdicts are: whoever hears it then, the recorder
above all, hears no other one.
"""

from math import ceil

from inril_ros.msg import Outcome
from inril_ros.nodes.actuation.episode_verdicts import EpisodeVerdicts
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.robot.teleop.person_keys import BY_MEANING


class VetoTime:
    """The verdict of the judge, and the time until it counts.

    Args:
        verdicts: Where verdicts that count are published.
    """

    def __init__(self, node: ManagedNode, verdicts: EpisodeVerdicts) -> None:
        self._node = node
        self._verdicts = verdicts
        self._word = Outcome()
        self._until = 0.0
        self._over = False

    def begin(self, word: Outcome, stamp: int) -> None:
        """Wait from now on.

        Args:
            word: The judge's verdict.
            stamp: [ns] Stamp of the final observation.
        """
        self._word = Outcome(header=self._node.header(stamp), outcome=word.outcome,
                             reward=word.reward, reason=word.reason)
        self._until = self._node.rule_clock.now() + self._node.contract.episode.veto
        self._over = False

    def look(self) -> bool:
        """Let the judge's verdict count if the time is over; return whether it isn't over."""
        if self._left > 0.0:
            return True
        if not self._over:
            self._publish(self._success, self._word.reason, self._word.reward)
        self._over = True
        return False

    def overrule(self, success: bool) -> str:
        """Publish a person's verdict, which may confirm the judge's; return why it is too late."""
        if self._over:
            return f'too late: it is a {_named(self._success)}'
        self._publish(success, f'judged by a person, after: {self._word.reason}')
        return ''

    def waits_for(self) -> str:
        """Return what a person can do, in words."""
        key = BY_MEANING[_named(not self._success)]
        return (f'the judge says {_named(self._success)}: press {key.key} within '
                f'{max(0, ceil(self._left))} s if it is wrong')

    @property
    def _left(self) -> float:
        return self._until - self._node.rule_clock.now()

    @property
    def _success(self) -> bool:
        return self._word.outcome == Outcome.SUCCESS

    def _publish(self, success: bool, reason: str, reward: float | None = None) -> None:
        self._verdicts.publish(success, stamp_ns(self._word), reason, reward)


def _named(success: bool) -> str:
    return 'success' if success else 'failure'
