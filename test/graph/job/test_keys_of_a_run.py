# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person works in the terminal of a run: keys are answered, and the terminal is restored."""

from contextlib import suppress
import os
from queue import Queue
import signal
from threading import Thread

from contract_files import with_keys
from person_terminal import Person
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from running_command import LIMIT
from std_srvs.srv import SetBool

from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.graph.description import GraphDescription, GraphOptions, recording_graph
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import Supervisor

ESCAPE = b'\x1b'
# A run without a graph, for what the terminal itself does.
PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from inril_ros.cli.main import _terminate
from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.terminal.screen import watched
signal.signal(signal.SIGTERM, _terminate)
reporter = Reporter()
try:
    with watched(reporter, 'arm: record', 10.0), reporter.bar('record', 3, 'episodes') as bar:
        bar.update(1, attempts=2)
        reporter.say('begun')
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.02)
        raise RuntimeError('in the run')
except BaseException:  # as inril: without Python's own cleanup
    os._exit(1)
"""


@pytest.fixture(params=[True])
def person(request, tmp_path):
    with Person('-c', PROGRAM, tmp_path / 'fail', own=request.param) as person:
        person.sees('begun')
        person.sees('unknown: actuation_node has not reported')
        assert person.raw
        yield person


def test_the_e_stop_of_a_robot_that_does_not_answer_is_not_taken_for_one_that_stops(person):
    person.press(ESCAPE)
    person.sees('not done')
    person.sees('not stopped by this; use the stop of the robot itself')
    person.press(b'E')
    person.sees('E (enable motion): not done: actuation_node has not reported its state yet')
    person.press(b'?')
    person.sees('release the e-stop')


@pytest.mark.parametrize('end', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, 'exception'])
def test_however_a_run_ends_its_terminal_is_restored(person, tmp_path, end):
    if end == 'exception':
        (tmp_path / 'fail').touch()
    else:
        person.process.send_signal(end)
    assert person.finish() != 0
    assert person.restored


@pytest.mark.parametrize('person', [False], indirect=True)
def test_a_suspended_run_leaves_the_terminal_and_takes_it_again(person):
    person.process.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(person.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert person.restored
    person.process.send_signal(signal.SIGCONT)
    person.sees('unknown: actuation_node has not reported')
    assert person.raw
    person.press(b'R')
    person.sees('R (resume after a hold or an e-stop): not done')


@pytest.fixture
def stops(tmp_path):
    """What is true for each call of the e-stop that a node of this domain has had."""
    calls, context = Queue(), Context()

    def stop(request, response):
        calls.put(request.data)
        response.success, response.message = True, 'it stops'
        return response

    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('actuation_node', context=context, enable_rosout=False)
    node.create_service(SetBool, '~/estop', stop)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin():
        with suppress(ExternalShutdownException):
            executor.spin()

    thread = Thread(target=spin, daemon=True)
    thread.start()
    yield calls
    context.try_shutdown()
    thread.join()
    node.destroy_node()


def test_a_terminal_whose_output_is_stopped_stops_no_key(person, stops):
    person.presses_until(ESCAPE, 'escape (e-stop): it stops')
    while not stops.empty():
        stops.get()
    person.press(b'\x13?')  # Ctrl-S, and a long answer
    person.press(ESCAPE)
    assert stops.get(timeout=LIMIT) is True
    person.press(b'\x11')
    person.sees('escape (e-stop): it stops')


@pytest.fixture
def recording(tmp_path):
    """A person at `inril up record`, with a mock arm as the physical one."""
    contract = with_keys('mock_arm', tmp_path / 'arm.yaml', **{
        'episode.time_limit': 120.0, 'episode.ready': 'person', 'safety.latch_after': 60.0,
        'safety.max_camera_age': 60.0, 'safety.camera_frozen_after': 60.0})
    run = RunDirectory.create(tmp_path / 'run', new_settings('wave', 0, contract))
    arm = recording_graph(GraphOptions(
        contract=str(contract), run_id=run.settings.run_id, mock_arm=True,
        demonstrations='none')).node('mock_arm_node')
    with reserve_domain() as domain, Supervisor(
            GraphDescription('arm', (arm,)), tmp_path / 'logs', domain_id=domain,
            quiet=True) as nodes, Person(
            '-m', 'inril_ros.cli.main', 'up', 'record', '--run-dir', run.path, '--domain', domain,
            '--simulation', '', '--other-robot',
            **{key: nodes.environment[key] for key in nodes.environment if 'ROS' in key}
            ) as person:
        yield person


def test_a_person_s_keys_run_a_demonstration_and_an_e_stop_and_each_is_answered(recording):
    person = recording
    person.sees('motion is not enabled: press E')
    person.press(b'b')
    person.sees('b (begin a demonstration): not done')
    person.presses_until(b'E', 'E (enable motion): motion is enabled')  # it becomes active
    person.presses_until(b'b', 'b (begin a demonstration): a demonstration begins')
    person.sees('a person to confirm that the scene is ready: press enter')
    person.press(b'\r')
    person.sees('enter (the scene is set): the episode begins')
    person.sees('s of at most 120 s')
    person.press(b'y')
    person.sees('y (the episode is a success): a success')
    person.sees('success after')

    person.press(b'b')
    person.sees('a person to confirm that the scene is ready')
    person.press(ESCAPE)
    person.sees('escape (e-stop): stopped')
    person.sees('E-STOP')
    person.sees('the e-stop is pressed: press U')
    person.press(b'R')
    person.sees('R (resume after a hold or an e-stop): not done: the e-stop is pressed')
    person.press(b'U')
    person.sees('U (release the e-stop): released')
    person.press(b'E')
    person.sees('E (enable motion): motion is enabled')
    person.press(b'R')
    person.sees('R (resume after a hold or an e-stop): resumed')
    person.sees('aborted')
    person.process.send_signal(signal.SIGINT)
    person.finish()
    assert person.restored
