# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all lifecycle nodes of the graph share.

Subclasses write ``setup`` (configure), ``start`` (activate), ``stop`` (deactivate) and
``teardown`` (cleanup, shutdown and error alike). rclpy swallows exceptions in transitions without
a word (ros2/rclpy#1696): here they are logged and lead to the error path. SIGINT and SIGTERM run
``stop`` and ``teardown`` before the process ends, so that the last message on the wire is the safe
one.
"""

from collections.abc import Callable
from functools import partial
import traceback
from typing import Any

from rclpy.executors import Executor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from inril_ros.data.frames.sync import FrameAligner
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.diagnostics import Diagnostics, Health
from inril_ros.nodes.base.endpoints import (
    describe_endpoints,
    matched_count,
    Mismatches,
    NOT_CONFIGURED,
)
from inril_ros.nodes.base.guarded_node import GuardedSubscriptions
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.base.parameters import COMMON, declare, Parameter
from inril_ros.nodes.base.topic_publishers import SolePublishers
from inril_ros.robot.contract.checks import check_lockstep
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.timing.rule_clock import RuleClock

_SUCCESS = TransitionCallbackReturn.SUCCESS
_NOT_YET = TransitionCallbackReturn.FAILURE
_CLOCK_STOPPED = 2.0  # [s] simulated time that stands still for longer is reported


class NotStarted(RuntimeError):  # noqa: N818 an end, as SystemExit is
    """A node could not be configured or activated, and has logged why."""


class ManagedNode(GuardedSubscriptions, LifecycleNode):
    """A lifecycle node with the contract of its robot.

    Args:
        parameters: Its own parameters, beside those that all nodes have.

    Attributes:
        rule_clock: What durations in rules are measured by. In lockstep it is a steady clock,
            because simulated time waits for the nodes.
        sole_publishers: The topics on which one other node publishes.
    """

    contract: Contract
    #: A signal ends the node within a callback, if that may take long, or only after it.
    ends_within_callbacks = True

    def __init__(self, name: str, parameters: tuple[Parameter, ...], **arguments: Any) -> None:
        super().__init__(name, **arguments)
        declare(self, COMMON + parameters)
        self.lockstep: bool = self.value('lockstep')
        self.run_id: str = self.value('run_id')
        follows = self.value('use_sim_time') and not self.lockstep
        self.rule_clock = RuleClock((lambda: self.now() / 1e9) if follows else None)
        self.configured = self.active = False
        self._permanent: set[tuple[str, Any]] = set()
        self._required: list[Publisher | Subscription] = []
        self._mismatches = Mismatches(self)
        self.sole_publishers = SolePublishers(self)
        self.create_service(Trigger, '~/ready', self._answer_ready)
        Diagnostics(self, self.health)

    def setup(self) -> None:
        """Read the settings and make publishers and subscriptions."""

    def start(self) -> None:
        """Begin to act."""

    def stop(self) -> None:
        """Stop acting; the last message sent is the safe one."""

    def teardown(self) -> None:
        """Release files and threads."""

    def why_not_activatable(self) -> str:
        """Return why the node can't be activated yet; empty if it can."""
        return ''

    def why_not_ready(self) -> str:
        """Return what is missing besides unmatched endpoints; empty if nothing is."""
        return ''

    def hold_reasons(self) -> tuple[str, ...]:
        """Return what keeps the robot from moving though the node is active."""
        return ()

    def spin_once(self, executor: Executor) -> None:
        """Run one callback, or wait for one for a while."""
        executor.spin_once(timeout_sec=0.5)

    def require(self, *endpoints: Publisher | Subscription) -> None:
        """Add endpoints without a counterpart of which the node can't work."""
        self._required.extend(endpoints)

    def replace_required(self, old: Subscription, new: Subscription) -> None:
        """Require another subscription in place of one, if that was required."""
        self._required = [new if endpoint is old else endpoint for endpoint in self._required]

    def subscribe_observations(
        self, aligner: FrameAligner, arrived: Callable[[], None],
        observed: Callable[[str, int, Any], None] = lambda topic, stamp, message: None,
    ) -> list[Subscription]:
        """Subscribe to all observations; return the subscriptions of those that go on coming.

        Args:
            aligner: Gets the messages.
            arrived: Called after each message that the aligner accepted.
            observed: Called before that with the topic, the stamp [ns] and the message.
        """
        def receive(topic: str, message: Any) -> None:
            try:
                stamp = aligner.add(topic, message, self.now())
            except CodecError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=2.0)
                return
            observed(topic, stamp, message)
            arrived()

        streams = []
        for topic, kind in aligner.topics.items():
            latched = topic in self.contract.latched_topics()
            subscription = self.create_subscription(
                message_type(kind), topic, partial(receive, topic),
                qos.observations(self.lockstep, latched))
            if not latched:  # a node that publishes once may be gone by now
                self.require(subscription)
                streams.append(subscription)
        return streams

    def value(self, name: str) -> Any:
        """Return a parameter's value."""
        return self.get_parameter(name).value

    def autostart(self) -> bool:
        """Configure and activate as far as possible, if the parameter says so.

        Returns:
            Whether that is done. If not, call it again when messages have come.

        Raises:
            NotStarted: A transition failed; its cause has been logged.
        """
        if not self.value('autostart'):
            return True
        if not self.configured and self.trigger_configure() is not _SUCCESS:
            raise self._not_started()
        reason = self.why_not_activatable()
        if reason and not self.active:
            self.get_logger().info(f'not active yet: {reason}', throttle_duration_sec=5.0)
        # What is missing only since the question above is no error: the next call asks again.
        elif not self.active and self.trigger_activate() not in (_SUCCESS, _NOT_YET):
            raise self._not_started()
        if self.active:
            self.get_logger().info('active')
        return self.active

    def _not_started(self) -> NotStarted:
        return NotStarted(f'{self.get_name()} could not start; see the error above')

    def header(self, stamp: int) -> Header:
        """Return a header with a time [ns]."""
        header = Header()
        header.stamp.sec, header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        return header

    def now(self) -> int:
        """Return ROS time [ns]."""
        return self.get_clock().now().nanoseconds

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the contract and set the node up."""
        def configure() -> None:
            self._permanent = set(self._entities())
            self.contract = load_contract(self.value('contract'))
            if self.lockstep:
                check_lockstep(self.contract, self.value('contract'))
            self.setup()
            self.configured = True
        return self._attempt('configure', configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate, or stay inactive if something is missing for that."""
        reason = self.why_not_activatable()
        if reason:
            self.get_logger().error(f'not activated: {reason}')
            return TransitionCallbackReturn.FAILURE
        super().on_activate(state)

        def activate() -> None:
            self.start()
            self.active = True
        return self._attempt('activate', activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop first, while publishers still work."""
        self.active = False
        result = self._attempt('deactivate', self.stop)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything that was made when the node was configured."""
        return self._attempt('cleanup', self._release_all)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop if active, then release files and threads."""
        self.active = False
        if state.label == 'active':
            self._attempt('stop', self.stop)
        return self._attempt('teardown', self.teardown)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything after a failed transition."""
        self.active = False
        return self._attempt('error recovery', self._release_all)

    def _release_all(self) -> None:
        self.configured = False
        self.teardown()
        self._required.clear()
        self.sole_publishers.clear()
        for kind, entity in self._entities():
            if (kind, entity) not in self._permanent:
                getattr(self, f'destroy_{kind}')(entity)

    def _entities(self) -> list[tuple[str, Any]]:
        """Return the node's publishers, services and so on, each as (kind, object)."""
        return [(kind, entity) for kind in (
            'publisher', 'subscription', 'client', 'service', 'timer')
            for entity in (self.all_subscriptions if kind == 'subscription'
                           else getattr(self, f'{kind}s'))]

    def _missing(self) -> str:
        """Return what is missing before the node can work, unmatched endpoints first."""
        if not self.configured:
            return NOT_CONFIGURED
        unmatched = [endpoint for endpoint in self._required if not matched_count(endpoint)]
        missing = [f'nobody {does} {", ".join(topics)}' for kind, does in (
            (Subscription, 'publishes'), (Publisher, 'subscribes to')) if (topics := sorted(
                endpoint.topic_name for endpoint in unmatched if isinstance(endpoint, kind)))]
        return '; '.join(missing) or self.why_not_ready()

    def _answer_ready(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Answer whether nothing is missing; if so, with this process's endpoints.

        No message is lost only once both ends have met, and a node doesn't know how many ends
        there are: the client that asks all nodes compares (``endpoints.unmatched_endpoints``).
        """
        missing = self._missing()
        response.success = bool(self._required) and not missing
        response.message = describe_endpoints(self) if response.success else missing
        return response

    def health(self) -> Health:
        """Return the node's state for ``/diagnostics``."""
        details = {'run': self.run_id, 'lockstep': str(self.lockstep).lower(),
                   **self.refused.details()}
        if self.configured:
            details |= {'contract': self.contract.name, 'contract hash': self.contract.hash[:12]}
        apart = self._mismatches.look()
        if self.active:
            stopped = self.rule_clock.why_stopped(_CLOCK_STOPPED)
            held = (*([stopped] if stopped else []), *self.hold_reasons())
            missing = filter(None, (self._missing() or self.sole_publishers.look(), apart))
            return Health('active', '; '.join(missing), held, details)
        if self.configured:
            return Health('inactive', self.why_not_activatable(), details=details)
        return Health('unconfigured', details=details)

    def _attempt(self, step: str, action: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            action()
        except (ValueError, OSError) as error:  # the message of wrong input says what is wrong
            self.get_logger().error(f'{step} failed: {error}')
            self.get_logger().debug(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        except Exception as error:
            self.get_logger().error(f'{step} failed: {error}\n{traceback.format_exc()}')
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS
