# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transitions of robots, taken into a session: each once, in their order.

A transition of another run or contract is refused: the robot's own recorder sends none, and its
numbers say nothing about the robot's journal. One of this run that can't be learned from costs its
episode; it is counted, reported, and acknowledged like the others, because it would be refused
again whenever it came.
"""

from collections.abc import Callable

from inril_ros.learning.hosts.values.possible_returns import RewardsOutOfRangeError
from inril_ros.learning.session import FineTuningSession
from inril_ros.msg import EpisodeEvent, Transition
from inril_ros.nodes.base.belonging import why_foreign
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.learner.robot_connection import RobotConnection
from inril_ros.nodes.learner.transition_messages import to_experience
from inril_ros.transport.journal.ledger import Verdict

#: Episodes in a row whose rewards are out of range, from the first one on, that end the learner:
#: those that follow will be alike, and nothing would be left to learn from.
MOST_OUT_OF_RANGE = 3


class Ingestion:
    """Takes transitions into a session.

    Args:
        node: The learner node.
        session: The session.
        before: Called before a transition is taken.
    """

    def __init__(self, node: ManagedNode, session: FineTuningSession,
                 before: Callable[[], None]) -> None:
        self._node, self._session, self._before = node, session, before
        self._out_of_range = 0
        self._too_long = ''  # the last episode that was not cut

    def receive(self, robot: RobotConnection, message: Transition) -> Verdict | None:
        """Take a transition if it is the next one; return what became of it.

        Returns:
            The verdict; None if the transition doesn't belong here.

        Raises:
            RewardsOutOfRangeError: So are those of all episodes so far.
        """
        ledger = robot.ledger
        refusal = why_foreign(message, self._node.run_id, self._node.contract.hash)
        if refusal:
            self._refuse(robot, refusal)
            return None
        robot.accept(message.run_id)
        verdict = ledger.judge(
            message.sequence, message.previous_sequence, self._continues(message))
        if verdict is Verdict.WRONG:
            refusal = f'its number {message.sequence} is too far beyond {ledger.sequence}'
            self._refuse(robot, refusal)
        if verdict is Verdict.NEW:
            if message.sequence <= ledger.sequence:
                self._node.get_logger().error(
                    f'{robot.name}: transition {message.sequence} is new, though the last one had '
                    f'number {ledger.sequence}: that number was wrong, or the journal is another '
                    'one; the numbers go on from here', throttle_duration_sec=1.0)
            self._before()
            self._ingest(robot, message)
            ledger.take(message.sequence)
        return verdict

    def _refuse(self, robot: RobotConnection, reason: str) -> None:
        robot.refuse(reason)
        self._node.refused.add(robot.transition_topic, reason)

    def _continues(self, message: Transition) -> bool:
        """Return whether a transition is the next one of its episode, whatever its number."""
        if message.outcome == EpisodeEvent.ABORTED or _cuts_off(message):
            return self._session.intake.is_open(message.episode_id)
        return self._session.intake.continues(message.episode_id, message.first_tick)

    def _ingest(self, robot: RobotConnection, message: Transition) -> None:
        session, episode = self._session, message.episode_id
        if message.outcome == EpisodeEvent.ABORTED:
            session.abandon(episode)
            return
        if _cuts_off(message):
            self._learn(robot, message, lambda: session.cut_off(episode))
            return
        cut = session.longest_episode
        if cut is not None and message.first_tick >= cut and episode != self._too_long:
            self._too_long = episode
            self._node.get_logger().warning(
                f'episode_cut of the settings ends episodes after {cut} ticks, and this one goes '
                f'on: set longest_rollout of the actuation node to {cut}',
                throttle_duration_sec=60.0)
        self._learn(robot, message, lambda: session.ingest(
            to_experience(message, self._node.contract)))

    def _learn(
        self, robot: RobotConnection, message: Transition, take: Callable[[], object],
    ) -> None:
        """Take a transition; if that can't be done, its episode is given up.

        Raises:
            RewardsOutOfRangeError: So are the rewards of all episodes so far.
        """
        session, episode = self._session, message.episode_id
        try:
            take()
        except ValueError as error:
            if isinstance(error, RewardsOutOfRangeError) and not session.intake.episodes:
                self._out_of_range += 1
                if self._out_of_range >= MOST_OUT_OF_RANGE:
                    raise
            robot.untaken += 1
            self._node.get_logger().error(
                f'{robot.name}: episode {episode} given up at transition {message.sequence}: '
                f'{error}')
            session.abandon(episode)


def _cuts_off(message: Transition) -> bool:
    """Return whether a message says that the last steps of its episode never came."""
    return message.truncated and not message.steps
