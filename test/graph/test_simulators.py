# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Simulators behind a robot's topics: the built-in arm, another by YAML alone, real time."""

from contextlib import contextmanager
import time

import cv2
from inril_ros.msg import Outcome
import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from running_command import ROOT, until
from sensor_msgs.msg import CompressedImage
from small_run import TASK
from std_srvs.srv import Trigger
import yaml

from inril_ros.data.frames.sync import FrameAligner
from inril_ros.graph.description import evaluation_graph, GraphOptions, simulation_graph
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.episode import Purpose
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.robot.messages.commands import encode_command
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.rendering import RenderingError

RUN = '0f2c43f4-5b0e-4f6f-8d53-3a9a4c1b7a11'
CONFIG = ROOT / 'config'


def options(robot, simulation, task, **more):
    return GraphOptions(
        contract=str(CONFIG / 'robots' / f'{robot}.yaml'), run_id=RUN, task=task,
        simulation=str(CONFIG / 'simulations' / f'{simulation}.yaml'), **more)


class Driver:
    """A client that commands the robot like the actuation node, and keeps its messages."""

    def __init__(self, contract, domain_id):
        self.contract = contract
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id,
                   signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('driver', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self.aligner = FrameAligner(contract)
        self.clock, self.verdicts, self.images = [], {}, []
        self._publishers = {
            topic: self._node.create_publisher(message_type(kind), topic, qos.commands(True))
            for topic, kind in contract.action_topics().items()}
        for topic, kind in contract.observation_topics().items():
            self._node.create_subscription(
                message_type(kind), topic,
                lambda message, topic=topic: self.aligner.add(topic, message),
                qos.observations(True))
        self._node.create_subscription(
            Outcome, contract.episode.outcome_topic, self._on_outcome, qos.LOCKSTEP)
        self._node.create_subscription(Clock, '/clock', self._on_clock, qos.COMMAND)
        for camera in contract.cameras.values():
            self._node.create_subscription(
                CompressedImage, camera.topic, self.images.append, qos.SENSOR)
        self._reset = self._node.create_client(Trigger, contract.episode.reset_service)

    def close(self):
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def until(self, condition, what):
        def done():
            self._executor.spin_once(timeout_sec=0.05)
            return condition()
        return until(done, what)

    def reset(self):
        """Reset and return the stamp of the first observation."""
        self.until(self._reset.service_is_ready, 'the reset service')
        self.until(lambda: all(publisher.get_subscription_count()
                               for publisher in self._publishers.values()), 'the simulator')
        # Messages of its start, at 1 s, may still be in transit.
        before = max(self.aligner.newest_complete(), 10 ** 9)
        future = self._reset.call_async(Trigger.Request())
        self.until(future.done, 'an answer to the reset')
        assert future.result().success
        return self._next(before)

    def act(self, action, stamp):
        """Send an action for the observation at a stamp; return the stamp of the next one."""
        for topic, message in encode_command(self.contract, action, stamp, message_type):
            self._publishers[topic].publish(message)
        return self._next(stamp)

    def _next(self, before):
        self.until(lambda: min(self.aligner.newest_complete(), max(self.verdicts, default=0))
                   > before, 'the next observation')
        return self.aligner.newest_complete()

    def _on_outcome(self, message):
        self.verdicts[stamp_ns(message)] = message.outcome

    def _on_clock(self, message):
        self.clock.append(message.clock.sec * 1_000_000_000 + message.clock.nanosec)


@contextmanager
def simulator(folder, graph_options):
    contract = load_contract(graph_options.contract)
    with reserve_domain() as domain_id, Supervisor(
            simulation_graph(graph_options), folder, domain_id=domain_id, quiet=True) as nodes:
        driver = Driver(contract, domain_id)
        try:
            yield driver
            nodes.check()
        finally:
            driver.close()


def drawing_works():
    """Return why images can't be rendered here, empty if they can."""
    contract = load_contract(CONFIG / 'robots' / 'metaworld_sawyer.yaml')
    robot = make_simulation(CONFIG / 'simulations' / 'metaworld.yaml', 'reach', contract)
    try:
        robot.reset(0)
        robot.image('front')
    except RenderingError as error:
        return str(error)
    finally:
        robot.close()
    return ''


def test_another_simulator_needs_a_yaml_only(tmp_path):
    """gym-hil's Panda in lockstep: reset, commands by stamp, observations by the contract."""
    reason = drawing_works()
    if reason:
        pytest.skip(f'gym-hil draws even when nobody looks: {reason}')
    chosen = options('gym_hil_panda', 'gym_hil_panda', 'pick-cube', lockstep=True,
                     use_sim_time=True)
    with simulator(tmp_path, chosen) as driver:
        stamp = driver.reset()
        first = driver.aligner.frame(stamp)
        assert set(first.values) == set(driver.contract.observations)
        action = 0.5 * driver.contract.action_maximum.astype(np.float32)
        stamps = [stamp]
        for _ in range(8):
            stamps.append(driver.act(action, stamps[-1]))
        assert np.diff(stamps).tolist() == [driver.contract.period_ns] * 8
        last = driver.aligner.frame(stamps[-1])
        moved = [name for name in first.values
                 if not np.allclose(first.values[name], last.values[name], atol=1e-4)]
        assert moved, 'eight commands moved nothing'
        assert driver.clock == sorted(driver.clock)
        assert set(driver.verdicts) >= set(stamps)


def test_a_command_for_another_tick_moves_nothing(tmp_path):
    chosen = options('metaworld_sawyer', 'metaworld', 'reach', lockstep=True, use_sim_time=True)
    with simulator(tmp_path, chosen) as driver:
        stamp = driver.reset()
        action = driver.contract.action_maximum.astype(np.float32)
        for wrong in (stamp - driver.contract.period_ns, stamp + driver.contract.period_ns):
            for topic, message in encode_command(driver.contract, action, wrong, message_type):
                driver._publishers[topic].publish(message)
        # The right one, after the wrong ones on the same topics, is the first that counts.
        following = driver.act(np.zeros_like(action), stamp)
        assert following == stamp + driver.contract.period_ns


def test_cameras_are_published_on_request(tmp_path):
    reason = drawing_works()
    if reason:
        pytest.skip(f'no OpenGL to draw with: {reason}')
    chosen = options('metaworld_sawyer', 'metaworld', 'pick-place', lockstep=True,
                     use_sim_time=True, camera=True)
    with simulator(tmp_path, chosen) as driver:
        stamp = driver.reset()
        still = np.zeros(driver.contract.action_size, np.float32)
        while not driver.images:
            stamp = driver.act(still, stamp)
        camera = driver.contract.cameras['front']
        image = cv2.imdecode(np.frombuffer(driver.images[0].data, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (camera.height, camera.width, 3)
        assert image.std() > 10, 'the picture shows nothing'


def test_the_same_graph_runs_in_real_time(finished, tmp_path):
    """The nodes of lockstep, with the wall clock: episodes end by themselves, ticks are paced."""
    model = str(finished.run_dir / 'pretrained')
    graph = evaluation_graph(options('metaworld_sawyer', 'metaworld', TASK, model=model))
    with reserve_domain() as domain_id, Supervisor(
            graph, tmp_path, domain_id=domain_id, quiet=True) as nodes, Conductor(
            RUN, TASK, domain_id, check=nodes.check, most_aborted=0) as conductor:
        conductor.wait_ready(tuple(node.name for node in graph.nodes))
        ticks, began = 0, time.monotonic()
        for index in range(2):
            result = conductor.run_episode(
                f'{RUN[:-1]}{index}', Purpose.EVALUATION, seed=index, scene_seed=index)
            ticks += result.ticks
        seconds = time.monotonic() - began
        status = conductor.actuation
    assert ticks > 0
    assert sum(status.gap_counts) + status.skipped == ticks - 2
    # Real time can't be faster than real time.
    assert seconds >= 0.9 * (ticks - 2) * status.period
    assert status.holds < ticks, 'the policy never acted'


def test_shipped_simulations_name_shipped_robots():
    for path in (CONFIG / 'simulations').glob('*.yaml'):
        named = yaml.safe_load(path.read_text(encoding='utf-8'))['contract']
        assert (CONFIG / 'robots' / named).is_file(), path
