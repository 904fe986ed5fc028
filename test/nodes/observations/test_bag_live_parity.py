# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A bag played into live subscriptions gives exactly the frames that are read from it.

Over real DDS, with the subscriptions of ``ManagedNode.watch``: a policy sees the same while acting
as in training.
"""

from pathlib import Path
import sys

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosbags.highlevel import AnyReader

sys.path.append(str(Path(__file__).parents[2] / 'data'))

from synthetic_robot import bag_of, recording, START  # noqa: E402

from inril_ros.data.bags.reading import read_episode  # noqa: E402
from inril_ros.data.frames.observation_builder import ObservationBuilder  # noqa: E402
from inril_ros.data.frames.sync import FrameAligner  # noqa: E402
from inril_ros.nodes.base.managed_node import ManagedNode  # noqa: E402
from inril_ros.nodes.base.message_types import message_type  # noqa: E402
from inril_ros.robot.contract.contract import load_contract  # noqa: E402
from inril_ros.robot.messages.images import PolicyViews  # noqa: E402

FOLDER = Path(__file__).parents[3] / 'config' / 'robots'
TICKS = 10
LATEST = 10_000_000  # [ns] longest delay of a message after its stamp in the recording


class Listener(ManagedNode):
    """A node that collects observations; its clock is the time of the bag."""

    def __init__(self, contract, context):
        super().__init__('listener', (), context=context)
        self.contract, self.lockstep = contract, True  # reliable: the test needs every message
        self.aligner = FrameAligner(contract, images=True)
        self.received = 0
        self.taken = 0
        self.subscribe_observations(self.aligner, self._count)

    def _count(self):
        self.taken += 1

    def now(self):
        return self.received


@pytest.fixture
def context():
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


# Without TF: only ROS distributions have the messages of tf2.
@pytest.mark.parametrize('name', [
    'metaworld_sawyer', 'ur5e_joint_trajectory', 'fr3_joint_trajectory', 'so101_forward_position',
    'two_arms'])
def test_played_frames_equal_those_read_from_the_bag(name, context, tmp_path):
    contract = load_contract(FOLDER / f'{name}.yaml')
    path = bag_of(tmp_path, recording(contract, TICKS, seed=8))
    listener, player = Listener(contract, context), Node('player', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(listener)
    senders = {topic: player.create_publisher(message_type(kind), topic, QoSProfile(depth=500))
               for topic, kind in listener.aligner.topics.items()}

    def until(condition):
        while not condition():
            executor.spin_once(timeout_sec=1.0)

    until(lambda: all(sender.get_subscription_count() for sender in senders.values()))
    ticks = [START + tick * contract.period_ns for tick in range(TICKS + 1)]
    builder, frames, images = ObservationBuilder(contract), [], []
    views = PolicyViews(contract) if contract.policy_images else None
    with AnyReader([path]) as reader:
        for connection, time, raw in reader.messages():
            while ticks and time > ticks[0] + LATEST:
                frame = listener.aligner.frame(ticks.pop(0))
                frames.append(builder.build(frame.values))
                if views:
                    images.append(views.of(frame.images))
            if connection.topic.lstrip('/') in senders:
                before, listener.received = listener.taken, time
                senders[connection.topic.lstrip('/')].publish(raw)
                until(lambda before=before: listener.taken > before)
    listener.destroy_node()
    player.destroy_node()
    episode = read_episode(path, contract)
    assert len(frames) == TICKS + 1
    assert episode.observations.tobytes() == np.stack(frames).tobytes()
    if views:
        assert episode.images.tobytes() == np.stack(images).tobytes()
