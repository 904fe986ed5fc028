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
from inril_ros.nodes.base.lockstep_executor import executor_for
from inril_ros.nodes.base.managed_node import ManagedNode, NotStarted
from inril_ros.nodes.base.parameters import COMMON, help_text, Parameter


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
        executor = executor_for(node, node.lockstep)
        started = node.autostart()
        interrupt.at_once = node.ends_within_callbacks
        while rclpy.ok() and not interrupt.requested:
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if node is not None:
            with suppress(RuntimeError):  # a node whose recovery failed is finalized already
                node.trigger_shutdown()
            node.destroy_node()
        rclpy.try_shutdown()
    return status


class _Interrupt:
    """Signal handler: ends the node at once, or before its next callback."""

    def __init__(self) -> None:
        self.requested = False
        self.raised = False
        self.at_once = True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self.at_once:
            self.raised = True
            raise KeyboardInterrupt

    @staticmethod
    def unraisable(report: 'sys.UnraisableHookArgs') -> None:
        """Ignore an interrupt that came while an object was deleted: it is noted already."""
        if not issubclass(report.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(report)
