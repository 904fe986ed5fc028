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
from functools import cache, partial
import importlib
import signal
import sys
import traceback
from types import FrameType
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from inril_ros.data.sync import FrameAligner
from inril_ros.nodes import qos
from inril_ros.nodes.links import describe_links, partners
from inril_ros.nodes.parameters import COMMON, declare, help_text, Parameter
from inril_ros.robot.codecs import CodecError
from inril_ros.robot.contract import Contract, load_contract


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

    def __init__(self, name: str, parameters: tuple[Parameter, ...], **arguments: Any) -> None:
        super().__init__(name, **arguments)
        declare(self, COMMON + parameters)
        self.lockstep: bool = self.value('lockstep')
        self.run_id: str = self.value('run_id')
        self._needed: list[Publisher | Subscription] = []
        self.create_service(Trigger, '~/ready', self._ready)

    def setup(self) -> None:
        """Read what is needed and make publishers and subscriptions."""

    def start(self) -> None:
        """Begin to act."""

    def stop(self) -> None:
        """Stop acting; the last message sent is the safe one."""

    def teardown(self) -> None:
        """Let go of files and threads."""

    def not_ready(self) -> str:
        """Say what else than a link is missing before the node can do its part."""
        return ''

    def need(self, *links: Publisher | Subscription) -> None:
        """Name links without which the node can't do its part; ``~/ready`` asks for them."""
        self._needed.extend(links)

    def watch(self, aligner: FrameAligner, arrived: Callable[[], None]) -> None:
        """Subscribe to all observations; call ``arrived`` after each one that the aligner took."""
        def take(topic: str, message: Any) -> None:
            try:
                aligner.add(topic, message)
            except CodecError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=2.0)
                return
            arrived()

        for topic, kind in self.contract.observation_topics().items():
            self.need(self.create_subscription(
                message_type(kind), topic, partial(take, topic),
                qos.observations(self.lockstep)))

    def value(self, name: str) -> Any:
        """Return a parameter's value."""
        return self.get_parameter(name).value

    def autostart(self) -> None:
        """Configure and activate, if the parameter says so.

        Raises:
            NotStarted: A transition failed; its cause has been logged.
        """
        if not self.value('autostart'):
            return
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() is not TransitionCallbackReturn.SUCCESS:
                raise NotStarted(f'{self.get_name()} could not start; see the error above')

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
            self.contract = load_contract(self.value('contract'))
            self.setup()
        return self._attempt('configure', configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate."""
        super().on_activate(state)
        return self._attempt('activate', self.start)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate: stop first, while publishers still work."""
        result = self._attempt('deactivate', self.stop)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up."""
        return self._attempt('cleanup', self.teardown)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop if active, then let go of everything."""
        if state.label == 'active':
            self._attempt('stop', self.stop)
        return self._attempt('teardown', self.teardown)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of everything after a failed transition."""
        return self._attempt('error recovery', self.teardown)

    def _ready(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Answer whether all that is needed is there; if so, with whom this process is linked.

        Each end must have met the other before nothing is lost, and a node can't know how many
        ends there are: whoever asks all of them compares (see ``links.shortfalls``).
        """
        alone = [link.topic_name for link in self._needed if not partners(link)]
        lack = f'nobody at the other end of {sorted(alone)}' if alone else self.not_ready()
        response.success = bool(self._needed) and not lack
        response.message = describe_links(self) if response.success else lack
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


@cache
def message_type(name: str) -> Any:
    """Return the message class of a type name such as ``sensor_msgs/msg/JointState``."""
    package, _, message = name.split('/')
    return getattr(importlib.import_module(f'{package}.msg'), message)


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
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    node: ManagedNode | None = None
    status = 0
    try:
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        node.autostart()
        while rclpy.ok():
            executor.spin_once(timeout_sec=0.5)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except NotStarted as end:
        status = 1
        print(end, file=sys.stderr, flush=True)
    except Exception as error:
        status = 1
        print(f'{error}\n{traceback.format_exc()}', file=sys.stderr, flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if node is not None:
            node.trigger_shutdown()
            node.destroy_node()
        rclpy.try_shutdown()
    return status


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
