# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scene in Gazebo: puts the object where an episode starts, and reports when the task is done.

Robot, clock and cameras come from Gazebo over ros_gz_bridge. This node sets the scene and judges
by the object's pose, as a person in a laboratory would. It moves the object by Gazebo's service
``set_pose`` and doesn't reset the world, which would turn back the clock for all nodes that
follow it (docs/explanation/decisions/robot/0019).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from geometry_msgs.msg import Pose, PoseStamped
import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from inril_ros.msg import Outcome
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.later_service import Answer, create_later_service
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.base.scene_seeds import NEXT_SEED, SceneSeeds
from inril_ros.nodes.base.verdicts import JUDGES, simulator_topic
from inril_ros.nodes.gazebo_command import GazeboCommand
from inril_ros.robot.messages.codecs import CodecError, decode, stamp_ns
from inril_ros.sim.gazebo.lift_task import LiftJudge
from inril_ros.sim.gazebo.placement import Placement
from inril_ros.sim.gazebo.sdf_scene import read_scene
from inril_ros.sim.mapping import find_task, load_mapping, SdfMapping

PARAMETERS = (
    Parameter('simulation', '', 'path of the simulation mapping (YAML) that names the world'),
    Parameter('task', '', 'task of the simulation'),
    NEXT_SEED,
    JUDGES,
)
_CHECKED_EVERY = 0.2  # [s] a placement is given up as late as this after its limit

Place = Callable[[str, Pose], Future | None]
"""Has Gazebo move a model; returns a future answer with ``success``, or None without the
service."""


class GazeboNode(ManagedNode):
    """Scene and judge of one robot in Gazebo.

    Args:
        make_place: Makes the function that moves models in a world of a given name.
    """

    def __init__(
        self, make_place: Callable[[Node, str], Place] | None = None, **arguments: Any,
    ) -> None:
        super().__init__('gazebo_node', PARAMETERS, **arguments)
        self._make_place = make_place or gazebo_service

    def setup(self) -> None:
        """Read the task, and make publishers and subscriptions."""
        contract, path = self.contract, Path(self.value('simulation'))
        if self.lockstep:
            raise ValueError('Gazebo runs in real time: lockstep is for sim_node')
        mapping = load_mapping(path)
        if not isinstance(mapping, SdfMapping):
            raise ValueError(f'{path}: simulator is {mapping.simulator!r}, Gazebo needs sdf')
        self._task = find_task(mapping, self.value('task'), str(path))
        self._judge = LiftJudge(self._task)
        self._over = True
        self._seeds = SceneSeeds(self)
        self._awaited: tuple[Placement, int, Answer] | None = None  # with the seed
        name = f'{self._task.object}_pose'
        if name not in contract.observations:
            raise ValueError(f'contract {contract.name!r} does not observe {name}, which task '
                             f'{self.value("task")!r} is judged by')
        self._entry = contract.observations[name]
        self._world = read_scene(path.parent / mapping.world).name
        self._place = self._make_place(self, self._world)
        self._outcome = self.create_publisher(
            Outcome, simulator_topic(contract, self.value('judges')), qos.LOCKSTEP)
        self.require(self._outcome, self.create_subscription(
            PoseStamped, self._entry.topic, self._on_pose, qos.observations(False)))
        create_later_service(self, Trigger, contract.episode.reset_service, self._reset)
        self.create_timer(
            _CHECKED_EVERY, self._check_limit, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_pose(self, message: PoseStamped) -> None:
        stamp = stamp_ns(message)
        try:
            pose = decode(message, self._entry)
        except CodecError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=2.0)
            if self._awaited is not None:
                self._awaited[0].refused(str(error))
            return
        if self._awaited is not None:
            if self._awaited[0].seen(pose):
                self._end_reset('')
        elif not self._over and self._judge.observe(stamp / 1e9, pose[2]):
            self._over = True
            self._outcome.publish(Outcome(
                header=self.header(stamp), outcome=Outcome.SUCCESS, reward=1.0))

    def _reset(self, _: Trigger.Request, answer: Answer) -> None:
        """Put the object at the seed's pose; answer when it is observed there, or why it isn't.

        A later request ends one whose object never arrived.
        """
        seed = self._seeds.draw()
        pose = self._task.start.draw(seed)
        self._end_reset('a later request replaced this one')
        placement = Placement(
            self._task.object, self._world, self._entry.topic, pose, self.rule_clock)
        self._over, self._awaited = True, (placement, seed, answer)
        placed = self._place(self._task.object, _pose_message(pose))
        if placed is None:
            self._end_reset(placement.not_bridged)
        else:
            placed.add_done_callback(partial(self._on_answer, placement))

    def _on_answer(self, placement: Placement, answer: Future) -> None:
        if self._awaited is None or self._awaited[0] is not placement:
            return  # given up meanwhile
        result = answer.result()
        if result is None or not result.success:
            self._end_reset(placement.not_moved)
        else:
            placement.answered()

    def _check_limit(self) -> None:
        refusal = '' if self._awaited is None else self._awaited[0].why_given_up()
        if refusal:
            self._end_reset(refusal)

    def _end_reset(self, refusal: str) -> None:
        """End the reset that waits, if one does: with success if nothing was refused."""
        if self._awaited is None:
            return
        _, seed, answer = self._awaited
        self._awaited = None
        if refusal:
            self.get_logger().error(f'reset failed: {refusal}')
        else:
            self._judge.begin()
            self._over = False
        answer(Trigger.Response(
            success=not refusal, message=refusal or f'reset with seed {seed}'))


def gazebo_service(node: Node, world: str) -> Place:
    """Return the function that moves models by the service of ros_gz_bridge.

    Where the bridge doesn't carry it, Gazebo's command line does.

    Raises:
        ValueError: ros_gz_interfaces isn't installed.
    """
    try:
        from ros_gz_interfaces.msg import Entity
        from ros_gz_interfaces.srv import SetEntityPose
    except ModuleNotFoundError as error:
        raise ValueError('Gazebo needs the ROS packages ros_gz_bridge and ros_gz_interfaces '
                         f'of your distribution ({error})') from error
    service = f'/world/{world}/set_pose'
    client, command = node.create_client(SetEntityPose, service), GazeboCommand(node, service)

    def place(model: str, pose: Pose) -> Future | None:
        if not client.service_is_ready():
            return command.place(model, pose) if command.names else None
        return client.call_async(SetEntityPose.Request(
            entity=Entity(name=model, type=Entity.MODEL), pose=pose))

    return place


def _pose_message(values: np.ndarray) -> Pose:
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = map(float, values[:3])
    rotation = pose.orientation
    rotation.x, rotation.y, rotation.z, rotation.w = map(float, values[3:])
    return pose


main = partial(run, GazeboNode, PARAMETERS, __doc__)

if __name__ == '__main__':
    raise SystemExit(main())
