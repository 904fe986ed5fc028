# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node's process: from its command line until a signal, with an orderly end whatever happens."""

from collections.abc import Callable
from contextlib import suppress
import os
import signal
import sys
import traceback
from types import FrameType

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.signals import SignalHandlerOptions

from inril_ros.nodes.base.kept_memory import keep_memory
from inril_ros.nodes.base.managed_node import ManagedNode, NotStarted
from inril_ros.nodes.base.node_executor import executor_for
from inril_ros.nodes.base.parameters import COMMON, help_text, Parameter

_LONG = 0.3  # [s] a callback may go on after a signal, before it is broken off


def run(
    make: Callable[[], ManagedNode], parameters: tuple[Parameter, ...], about: str | None,
    arguments: list[str] | None = None,
) -> int:
    """Run a node until SIGINT or SIGTERM; return the exit status.

    An exception in a callback ends the node with its teardown done and status 1. A node that can't
    be configured or activated ends with ``os.EX_CONFIG``.

    Args:
        make: Makes the node.
        parameters: The node's own parameters, for ``--help``.
        about: The node's purpose, for ``--help``.
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
        executor = executor_for(node)
        started = node.autostart()
        interrupt.spins(node.ends_within_callbacks)
        while node.context.ok() and not interrupt.requested:
            node.spin_once(executor)
            started = started or node.autostart()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except NotStarted as end:
        status = os.EX_CONFIG  # to be started again would not help
        print(end, file=sys.stderr, flush=True)
    except Exception as error:
        # An interrupt while rclpy converts a message comes out of it as another exception.
        if not interrupt.raised:
            status = 1 if node is not None else os.EX_CONFIG
            print(f'{error}\n{traceback.format_exc()}', file=sys.stderr, flush=True)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        if node is not None:
            with suppress(RuntimeError):  # a node whose recovery failed is finalized already
                node.trigger_shutdown()
            node.destroy_node()
        rclpy.try_shutdown()
    return status


class _Interrupt:
    """Signal handler: ends the node at once while it starts; later, after its present callback.

    Signals come while the executor waits, and reach Python with the first line of the next
    callback. Only a callback that goes on for longer is broken off, if the node permits it.
    """

    def __init__(self) -> None:
        self.requested = self.raised = False
        self._spins = False
        self._within_callbacks = True

    def spins(self, ends_within_callbacks: bool) -> None:
        """Note that the executor runs from now on."""
        self._spins, self._within_callbacks = True, ends_within_callbacks
        signal.signal(signal.SIGALRM, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        first, self.requested = not self.requested, True
        if self._spins and first:
            signal.setitimer(signal.ITIMER_REAL, _LONG)
        elif self._within_callbacks:
            self.raised = True
            raise KeyboardInterrupt

    @staticmethod
    def unraisable(report: 'sys.UnraisableHookArgs') -> None:
        """Ignore an interrupt that came while an object was deleted: it is noted already."""
        if not issubclass(report.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(report)
