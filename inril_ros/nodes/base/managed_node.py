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
from contextlib import suppress
from functools import partial
import signal
import sys
import traceback
from types import FrameType
from typing import Any

import rclpy
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from inril_ros.data.frames.sync import FrameAligner
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.diagnostics import Diagnostics
from inril_ros.nodes.base.endpoints import describe_endpoints, matched_count
from inril_ros.nodes.base.kept_memory import keep_memory
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.base.parameters import COMMON, declare, help_text, Parameter
from inril_ros.robot.contract.checks import check_lockstep
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.messages.codecs import CodecError

_SUCCESS = TransitionCallbackReturn.SUCCESS
_NOT_YET = TransitionCallbackReturn.FAILURE


class NotStarted(RuntimeError):  # noqa: N818 an end, as SystemExit is
    """A node could not be configured or activated, and has said why."""


class ManagedNode(LifecycleNode):
    """A lifecycle node with the contract of its robot.

    Args:
        name: Node name.
        parameters: Its own parameters, beside those that all nodes have.
        arguments: Command line, passed through to ROS.
    """

    contract: Contract
    #: A signal ends the node within a callback, if that may take long, or only after it.
    ends_within_callbacks = True

    def __init__(self, name: str, parameters: tuple[Parameter, ...], **arguments: Any) -> None:
        super().__init__(name, **arguments)
        declare(self, COMMON + parameters)
        self.lockstep: bool = self.value('lockstep')
        self.run_id: str = self.value('run_id')
        self.configured = self.active = False
        self._permanent: set[tuple[str, Any]] = set()
        self._required: list[Publisher | Subscription] = []
        self.create_service(Trigger, '~/ready', self._ready)
        self._diagnostics = Diagnostics(self)

    def setup(self) -> None:
        """Read what is needed and make publishers and subscriptions."""

    def start(self) -> None:
        """Begin to act."""

    def stop(self) -> None:
        """Stop acting; the last message sent is the safe one."""

    def teardown(self) -> None:
        """Let go of files and threads."""

    def why_not_activatable(self) -> str:
        """Say why the node can't be activated yet; empty if it can."""
        return ''

    def spin_once(self, executor: Executor) -> None:
        """Run one callback, or wait for one for a while."""
        executor.spin_once(timeout_sec=0.5)

    def why_not_ready(self) -> str:
        """Say what else than a link is missing before the node can do its part."""
        return ''

    def hold_reasons(self) -> tuple[str, ...]:
        """Say what keeps the robot from moving though the node is active."""
        return ()

    @property
    def required_endpoints(self) -> tuple[Publisher | Subscription, ...]:
        """The links without which the node can't do its part."""
        return tuple(self._required)

    def require(self, *links: Publisher | Subscription) -> None:
        """Name links without which the node can't do its part; ``~/ready`` asks for them."""
        self._required.extend(links)

    def replace_required(self, link: Subscription, by: Subscription) -> None:
        """Name another link in place of one, if it was needed."""
        self._required = [by if one is link else one for one in self._required]

    def subscribe_observations(
        self, aligner: FrameAligner, arrived: Callable[[], None],
        heard: Callable[[str, int, Any], None] = lambda topic, stamp, message: None,
    ) -> None:
        """Subscribe to all observations.

        Args:
            aligner: Gets the messages.
            arrived: Called after each one that the aligner took.
            heard: Called before that with its topic, its stamp [ns] and the message.
        """
        def take(topic: str, message: Any) -> None:
            try:
                stamp = aligner.add(topic, message, self.now())
            except CodecError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=2.0)
                return
            heard(topic, stamp, message)
            arrived()

        for topic, kind in aligner.topics.items():
            latched = topic in self.contract.latched_topics()
            link = self.create_subscription(
                message_type(kind), topic, partial(take, topic),
                qos.observations(self.lockstep, latched))
            if not latched:  # who sends once may be gone by now
                self.require(link)

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
        lack = self.why_not_activatable()
        if lack and not self.active:
            self.get_logger().info(f'not active yet: {lack}', throttle_duration_sec=5.0)
        # A lack between the question and the activation is no mistake: it is asked again.
        elif not self.active and self.trigger_activate() not in (_SUCCESS, _NOT_YET):
            raise self._not_started()
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
        """Configure."""
        def configure() -> None:
            self._permanent = set(self._entities())
            self.contract = load_contract(self.value('contract'))
            if self.lockstep:
                check_lockstep(self.contract, self.value('contract'))
            self.setup()
            self.configured = True
        return self._attempt('configure', configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate; without what that takes the node stays inactive."""
        lack = self.why_not_activatable()
        if lack:
            self.get_logger().error(f'not activated: {lack}')
            return TransitionCallbackReturn.FAILURE
        super().on_activate(state)

        def activate() -> None:
            self.start()
            self.active = True
        return self._attempt('activate', activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate: stop first, while publishers still work."""
        self.active = False
        result = self._attempt('deactivate', self.stop)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up: all that was made when it was configured goes."""
        return self._attempt('cleanup', self._let_go)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop if active, then let go of everything."""
        self.active = False
        if state.label == 'active':
            self._attempt('stop', self.stop)
        return self._attempt('teardown', self.teardown)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of everything after a failed transition."""
        self.active = False
        return self._attempt('error recovery', self._let_go)

    def _let_go(self) -> None:
        self.configured = False
        self.teardown()
        self._required.clear()
        for kind, entity in self._entities():
            if (kind, entity) not in self._permanent:
                getattr(self, f'destroy_{kind}')(entity)

    def _entities(self) -> list[tuple[str, Any]]:
        """Return what hangs on the node: kind and object."""
        return [(kind, entity) for kind in (
            'publisher', 'subscription', 'client', 'service', 'timer')
            for entity in getattr(self, f'{kind}s')]

    def _ready(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Answer whether all that is needed is there; if so, with whom this process is linked.

        Each end must have met the other before nothing is lost, and a node can't know how many
        ends there are: whoever asks all of them compares (see ``endpoints.unmatched_endpoints``).
        """
        alone = [link.topic_name for link in self._required if not matched_count(link)]
        lack = f'nobody at the other end of {sorted(alone)}' if alone else self.why_not_ready()
        response.success = bool(self._required) and not lack
        response.message = describe_endpoints(self) if response.success else lack
        return response

    def _attempt(self, what: str, action: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            action()
        except (ValueError, OSError) as error:  # wrong input says itself what is wrong with it
            self.get_logger().error(f'{what} failed: {error}')
            self.get_logger().debug(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        except Exception as error:
            self.get_logger().error(f'{what} failed: {error}\n{traceback.format_exc()}')
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS


def run(
    make: Callable[[], ManagedNode], parameters: tuple[Parameter, ...], about: str | None,
    arguments: list[str] | None = None,
) -> int:
    """Run a node until SIGINT or SIGTERM; return the exit status.

    An exception in a callback ends the node with its teardown done and status 1.

    Args:
        make: Makes the node.
        parameters: Its own parameters, for ``--help``.
        about: What it is for, for ``--help``.
        arguments: Command line; None: that of the process.
    """
    if {'-h', '--help'} & set(sys.argv[1:] if arguments is None else arguments):
        print(help_text(about or '', COMMON + parameters))
        return 0
    keep_memory()
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    interrupt = _Interrupt()
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    sys.unraisablehook = interrupt.unraisable
    node: ManagedNode | None = None
    status = 0
    try:
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        started = node.autostart()
        interrupt.at_once = node.ends_within_callbacks
        while rclpy.ok() and not interrupt.asked:
            node.spin_once(executor)
            started = started or node.autostart()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except NotStarted as end:
        status = 1
        print(end, file=sys.stderr, flush=True)
    except Exception as error:
        # An interrupt while rclpy converts a message comes out of it as another exception.
        if not interrupt.raised:
            status = 1
            print(f'{error}\n{traceback.format_exc()}', file=sys.stderr, flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if node is not None:
            with suppress(RuntimeError):  # a node whose recovery failed is finalized already
                node.trigger_shutdown()
            node.destroy_node()
        rclpy.try_shutdown()
    return status


class _Interrupt:
    """What SIGINT and SIGTERM do: an end at once, or before the next callback."""

    def __init__(self) -> None:
        self.asked = False
        self.raised = False
        self.at_once = True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self.at_once:
            self.raised = True
            raise KeyboardInterrupt

    @staticmethod
    def unraisable(what: 'sys.UnraisableHookArgs') -> None:
        """Say nothing of an interrupt that came while an object was deleted; it is noted."""
        if not issubclass(what.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(what)
