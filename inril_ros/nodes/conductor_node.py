# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Asks for the episodes of one robot, and notes in the run's folder what became of them.

It runs the same loops as the ``inril`` command, beside nodes that a launch file has started. It
waits for people and faults without a time limit and says so on ``conductor/status``. When the
stage is done it stays, so that nothing else ends; started again, it goes on where it stopped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
import os
import signal
import sys
import time
import traceback
from types import FrameType
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from inril_ros.data.run.run_directory import RunDirectoryError
from inril_ros.nodes.base.parameters import COMMON, declare, help_text, Parameter
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.conductor_orders import EndedByPerson
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.nodes.conducting.stage import NodeOptions, opened, run_stage, Stage
from inril_ros.robot.readable import facts_in_words

PARAMETERS = (
    Parameter('run', '', "folder of the run (as inril's)"),
    Parameter('robot', '', 'name of one of several robots, whose records have a folder of their '
                           'own; empty: the only one'),
    Parameter('stage', 'finetune', 'record, evaluate or finetune'),
    Parameter('model', '', 'model that is evaluated: a folder in the run'),
    Parameter('nodes', [''], 'nodes that must be ready before the first episode'),
    Parameter('learner', 'learner_node', 'name of the learner; with a slash first: in which '
                                         'namespace'),
    Parameter('episodes', 0, 'demonstrations to record, or episodes of an evaluation; 0: as the '
                             'run has noted, else 5 and 50', minimum=0, maximum=100_000),
    Parameter('env_steps', 0, 'environment steps of fine-tuning; 0: as the run has noted, else '
                              '10000', minimum=0, maximum=10 ** 9),
    Parameter('evaluation_every', 0, 'environment steps between two blocks of evaluation that '
                                     'judge versions; 0: none', minimum=0, maximum=10 ** 9),
    Parameter('evaluation_episodes', 10, 'episodes of such a block', minimum=1, maximum=1000),
    Parameter('reset_seconds', 10.0, 'time of a person per reset [s], for the minutes of robot '
                                     'and person', minimum=0.0, maximum=86400.0),
    Parameter('synchronous', False, 'wait between episodes until everything is learned'),
    Parameter('simulation', '', 'simulation mapping, whose scenes get seeds and which nobody '
                                'attends; empty: a real arm'),
    Parameter('scene_node', 'sim_node', 'node that takes the seed of a scene'),
)
_LINE_PERIOD = 30.0  # [s] between two lines of progress in the log


class LogReporter:
    """Reports a stage in the log of its node.

    Args:
        node: The node.
    """

    def __init__(self, node: Node) -> None:
        self._log = node.get_logger()

    def say(self, text: str, **facts: Any) -> None:
        """Report something that happened."""
        self._log.info(text)

    @contextmanager
    def bar(self, stage: str, total: int, unit: str, done: int = 0) -> Iterator['LogBar']:
        """Report the progress of a stage."""
        yield LogBar(self, stage, total, unit)


class LogBar:
    """Progress as lines of a log, now and then; ``conductor/status`` has all of it."""

    def __init__(self, reporter: LogReporter, stage: str, total: int, unit: str) -> None:
        self._say, self._stage, self._total, self._unit = reporter.say, stage, total, unit
        self._said = -inf

    def update(self, done: int, **facts: Any) -> None:
        """Report how much is done, and facts of the stage."""
        if done < self._total and time.monotonic() - self._said < _LINE_PERIOD:
            return
        self._said = time.monotonic()
        self._say(
            f'{self._stage}: {done} of {self._total} {self._unit}; {facts_in_words(facts)}')


def _parameters(arguments: list[str] | None) -> tuple[dict[str, Any], str]:
    """Return the parameters that a command line gives, and the node's namespace."""
    context = Context()
    rclpy.init(args=arguments, context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = Node('conductor_node', context=context, enable_rosout=False,
                start_parameter_services=False)
    try:
        declare(node, COMMON + PARAMETERS)
        return ({entry.name: node.get_parameter(entry.name).value for entry in PARAMETERS},
                node.get_namespace())
    finally:
        node.destroy_node()
        context.try_shutdown()


def conduct(arguments: list[str] | None = None) -> None:
    """Run the stage that the parameters name, then stay until a signal comes.

    Raises:
        GraphStalled: A request can't be carried out ever, or nobody attends a simulation.
        RunDirectoryError: The folder can't be used for the run.
        ValueError: A parameter is wrong.
    """
    values, namespace = _parameters(arguments)
    run = opened(values['run'], values['robot'])
    with Stage(run, values['stage'], NodeOptions.of(run, values), values['model']) as stage, \
            Conductor(
                run.settings.run_id, run.settings.task, namespace=namespace.strip('/'),
                listen=stage.listen, scene_node=values['scene_node'],
                attended=not values['simulation'], arguments=sys.argv if arguments is None
                else arguments, learner=values['learner']) as conductor:
        declare(conductor.node, COMMON + PARAMETERS)
        reporter = LogReporter(conductor.node)
        conductor.say = reporter.say
        try:
            conductor.wait_ready(tuple(filter(None, values['nodes'])), inf)
            run_stage(stage, conductor, reporter)
            conductor.status.set(state='finished', **stage.facts)
            ended = 'done'
        except EndedByPerson as end:
            ended = f'{end}; started again, it goes on'
        except GraphStalled as error:
            conductor.status.set(state='failed', reason=error)
            raise
        reporter.say(f'{values["stage"]}: {ended}; the nodes stay until they are stopped')
        while True:
            conductor.spin()


def main(arguments: list[str] | None = None) -> int:
    """Run the node; return its exit status."""
    if {'-h', '--help'} & set(sys.argv[1:] if arguments is None else arguments):
        print(help_text(__doc__ or '', COMMON + PARAMETERS))
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    status = 0
    try:
        conduct(arguments)
    except KeyboardInterrupt:
        pass
    except (RunDirectoryError, ValueError, FileNotFoundError) as error:
        status = os.EX_CONFIG  # to be started again would not help
        print(f'conductor_node could not start: {error}', file=sys.stderr)
    except Exception as error:
        status = 1
        print(f'{error}\n{traceback.format_exc()}', file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a participant that is deleted while others end may crash


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == '__main__':
    main()
