# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scene in Gazebo: puts the object where an episode starts, and says when the task is done.

Robot, clock and cameras come from Gazebo over ros_gz_bridge; what a laboratory's person does, set
the scene and judge, is done here from the object's pose. The object is moved by Gazebo's service
``set_pose`` rather than by a reset of the world, which would turn back the clock of everything
that follows it (docs/explanation/decisions/0019).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from geometry_msgs.msg import Pose, PoseStamped
import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.task import Future
from std_srvs.srv import Trigger

from inril_ros.msg import Outcome
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.robot.messages.codecs import decode, stamp_ns
from inril_ros.sim.gazebo.lift_task import LiftJudge
from inril_ros.sim.gazebo.sdf_scene import read_scene
from inril_ros.sim.mapping import find_task, load_mapping, SdfMapping

PARAMETERS = (
    Parameter('simulation', '', 'path of the simulation mapping (YAML) that names the world'),
    Parameter('task', '', 'task of the simulation'),
    Parameter('next_seed', -1, 'seed of the next reset; -1: the next of an own sequence',
              read_only=False, minimum=-1, maximum=2 ** 62),
)
_NEAR = 0.02  # [m] the object counts as placed this near to where it was put

Place = Callable[[str, Pose], Future | None]
"""Asks Gazebo to put a model somewhere, with a future answer that has ``success``; None: its
service isn't there."""


class GazeboNode(ManagedNode):
    """Scene and judge of one robot in Gazebo.

    Args:
        make_place: Makes what moves models in a world of a given name.
        arguments: See ManagedNode.
    """

    def __init__(
        self, make_place: Callable[[Node, str], Place] | None = None, **arguments: Any,
    ) -> None:
        super().__init__('gazebo_node', PARAMETERS, **arguments)
        self._make_place = make_place or gazebo_service

    def setup(self) -> None:
        """Make the streams."""
        contract, path = self.contract, Path(self.value('simulation'))
        if self.lockstep:
            raise ValueError('Gazebo runs in real time: lockstep is for sim_node')
        mapping = load_mapping(path)
        if not isinstance(mapping, SdfMapping):
            raise ValueError(f'{path}: simulator is {mapping.simulator!r}, Gazebo needs sdf')
        self._task = find_task(mapping, self.value('task'), str(path))
        self._judge = LiftJudge(self._task)
        self._over = True
        self._sequence = 0
        self._awaited: tuple[np.ndarray, Future] | None = None
        name = f'{self._task.object}_pose'
        if name not in contract.observations:
            raise ValueError(f'contract {contract.name!r} does not observe {name}, which task '
                             f'{self.value("task")!r} is judged by')
        self._entry = contract.observations[name]
        self._place = self._make_place(self, read_scene(path.parent / mapping.world).name)
        self._outcome = self.create_publisher(
            Outcome, contract.episode.outcome_topic, qos.LOCKSTEP)
        self.require(self._outcome, self.create_subscription(
            PoseStamped, self._entry.topic, self._observe, qos.observations(False)))
        # A group of its own: it waits for what other callbacks of the node hear. Reentrant: a
        # later request ends one that waits for an object that never came.
        self.create_service(Trigger, contract.episode.reset_service, self._reset,
                            callback_group=ReentrantCallbackGroup())

    def _observe(self, message: PoseStamped) -> None:
        pose = decode(message, self._entry)
        if self._awaited is not None:
            target, placed = self._awaited
            if np.linalg.norm(pose[:3] - target) < _NEAR:
                self._awaited = None
                placed.set_result(True)
            return
        stamp = stamp_ns(message)
        if not self._over and self._judge.observe(stamp / 1e9, pose[2]):
            self._over = True
            self._outcome.publish(Outcome(
                header=self.header(stamp), outcome=Outcome.SUCCESS, reward=1.0))

    async def _reset(self, _: Any, response: Trigger.Response) -> Trigger.Response:
        """Put the object where the seed says; answer when it is seen there."""
        seed = self._seed()
        pose = self._task.start.draw(seed)
        if self._awaited is not None:  # whoever asked before has given up
            self._awaited[1].set_result(False)
        placed = Future()
        self._over, self._awaited = True, (pose[:3], placed)
        asked = self._place(self._task.object, _pose_message(pose))
        lack = 'its set_pose service is not bridged' if asked is None else (
            '' if (await asked).success else 'it refused')
        if lack:
            self._awaited = None
            response.success = False
            response.message = f'Gazebo does not move model {self._task.object!r}: {lack}'
            return response
        response.success = bool(await placed)
        response.message = f'reset with seed {seed}' if response.success else 'asked again'
        if response.success:
            self._judge.begin()
            self._over = False
        return response

    def _seed(self) -> int:
        chosen = self.value('next_seed')
        if chosen >= 0:
            self.set_parameters([RosParameter('next_seed', value=-1)])
            return chosen
        self._sequence += 1
        return self._sequence


def gazebo_service(node: Node, world: str) -> Place:
    """Return what moves models by the service of ros_gz_bridge.

    Raises:
        ValueError: ros_gz_interfaces isn't installed.
    """
    try:
        from ros_gz_interfaces.msg import Entity
        from ros_gz_interfaces.srv import SetEntityPose
    except ModuleNotFoundError as error:
        raise ValueError('Gazebo needs the ROS packages ros_gz_bridge and ros_gz_interfaces '
                         f'of your distribution ({error})') from error
    client = node.create_client(SetEntityPose, f'/world/{world}/set_pose')

    def place(model: str, pose: Pose) -> Future | None:
        if not client.service_is_ready():
            return None
        return client.call_async(SetEntityPose.Request(
            entity=Entity(name=model, type=Entity.MODEL), pose=pose))

    return place


def _pose_message(values: np.ndarray) -> Pose:
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = map(float, values[:3])
    rotation = pose.orientation
    rotation.x, rotation.y, rotation.z, rotation.w = map(float, values[3:])
    return pose


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    return run(GazeboNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
