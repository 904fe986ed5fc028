# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Watches for nodes that command, judge or drive beside those that should.

A controller obeys whoever publishes on its topic, without the safety gate. The actuation node
can't prevent that; it can hold its own commands, end the episode, and say who it is. The
middleware is asked once a second, and before something begins.
"""

from collections.abc import Callable, Sequence

from rclpy.publisher import Publisher

from inril_ros.nodes.actuation.person_input import TeleopInput
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.topic_publishers import publishing_nodes, strangers
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.modes import ModeMachine

_ANY_NUMBER = 2 ** 31  # a judge that was killed and started again is there twice for a while
_PERSON = 'person'
_OURS = 'teleop_node'  # says who it is, once it sends


class PublisherWatch:
    """The publishers on the topics of commands and of verdicts.

    Args:
        commands: The node's own publishers of commands.
        modes: While motion is allowed, another commander latches a hold.
        abort: Ends the running episode with a reason, when its verdicts can't be trusted.
        on_change: Called when a hold was latched.
        person: Returns the input of teleop devices.

    Attributes:
        commanders: Who else publishes commands, in words; empty if nobody does.
        pilots: Which teleop devices can't be told apart, in words; empty if all can.
        judges: Who publishes verdicts but must not judge, in words; empty if nobody does.
    """

    def __init__(
        self, node: ManagedNode, contract: Contract, commands: Sequence[Publisher],
        modes: ModeMachine, abort: Callable[[str], object], on_change: Callable[[], None],
        person: Callable[[], TeleopInput],
    ) -> None:
        self._node = node
        self._modes = modes
        self._abort = abort
        self._on_change = on_change
        self._person = person
        self._joy = node.resolve_topic_name(contract.teleoperation.joy_topic)
        self._commands = [publisher.topic_name for publisher in commands]
        self._own = node.get_fully_qualified_name()
        self._verdicts = [node.resolve_topic_name(topic)
                          for topic in contract.episode.verdict_topics]
        self._judge = contract.episode.judge
        self.commanders = self.pilots = self.judges = ''

    def other_commanders(self) -> str:
        """Look who publishes; return ``commanders``."""
        self.look()
        return self.commanders

    def why_verdicts_are_not_trusted(self) -> str:
        """Look who publishes, if the contract names the judge; return ``judges``."""
        if self._judge and not self._node.lockstep:
            self.look()  # now: who has sent a verdict is known by the time it has come
        return self.judges

    def look(self) -> None:
        """Ask the middleware who publishes; latch a hold or end the episode if it is necessary."""
        known, modes = (self.commanders, self.pilots, self.judges), self._modes
        self.commanders = '; '.join(
            f'{name} publishes on {topic}, a topic of commands: stop that node, then resume'
            for topic in self._commands
            for name in strangers(publishing_nodes(self._node, topic), {self._own: 1}))
        self.pilots = self._alike_pilots()
        if self._judge and not self._node.lockstep:
            self.judges = self._other_judges()
        for who in {self.commanders, self.pilots, self.judges}.difference(('', *known)):
            self._node.get_logger().error(who)
        if self.commanders and modes.enabled and modes.latched != self.commanders:
            modes.latch(self.commanders)
            self._on_change()
        if self.judges:
            self._abort(self.judges)

    def _alike_pilots(self) -> str:
        """Return which devices' switches are one to us, so that one lets go of the other's."""
        if not self._person().unnamed:
            return ''
        unnamed = sorted(
            name for name in publishing_nodes(self._node, self._joy)
            if name not in self._person().named_nodes() and not name.endswith(f'/{_OURS}'))
        if len(unnamed) < 2:
            return ''
        return (f'{" and ".join(unnamed)} all publish on {self._joy} and do not say which '
                'messages are whose: stop all but one, or let teleop nodes send them')

    def _other_judges(self) -> str:
        counted, *overruled = self._verdicts  # where what the judge says may be overruled
        space = self._node.get_namespace().rstrip('/')
        judge = {} if self._judge == _PERSON else {
            self._judge if self._judge.startswith('/') else f'{space}/{self._judge}': _ANY_NUMBER}
        permitted = {counted: {self._own: 1, **({} if overruled else judge)},
                     **dict.fromkeys(overruled, judge)}
        return '; '.join(
            f'{", ".join(others)} publishes verdicts on {topic}, where only '
            f'{" and ".join(names)} may: stop that node'
            for topic, names in permitted.items()
            if (others := strangers(publishing_nodes(self._node, topic), names)))
