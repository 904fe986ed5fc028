# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A Gazebo world in DART, the engine that Gazebo uses, with Gazebo's controllers.

It follows gz-physics' dartsim plugin: limits of position and velocity are enforced, ODE finds the
contacts, links of one model don't collide. The controllers are those of the world file (gz-sim's
JointTrajectoryController with the PID of gz-math, which a new trajectory doesn't reset), or
gz_ros2_control's position interface: a velocity in proportion to the error, 200 times a second.
"""

import dartpy as dart
import numpy as np
from scipy.spatial.transform import Rotation

from inril_ros.sim.gazebo.lift_task import LiftJudge
from inril_ros.sim.simulated_robot import SimulatedRobot, SimulatedState

SERVO_PERIOD, SERVO_GAIN = 0.005, 0.1  # [s], and gz_ros2_control's position_proportional_gain


class DartWorld:
    """A world with one driven model, stepped with targets for its joints.

    ``weightless`` is whether <gravity>false</gravity> acts, which depends on Gazebo's version.
    """

    def __init__(self, scene, weightless=True, servo=False):
        self.scene, self._weightless, self._servo = scene, weightless, servo
        self.world = dart.simulation.World()
        self.world.setTimeStep(scene.step)
        self.world.setGravity(scene.gravity)
        self.world.getConstraintSolver().setCollisionDetector(
            dart.collision.OdeCollisionDetector())
        self._skeletons = {model.name: self._skeleton(model) for model in scene.models}
        for skeleton in self._skeletons.values():
            self.world.addSkeleton(skeleton)
        model = next(model for model in scene.models if model.drives)
        self._arm = self._skeletons[model.name]
        self._gain, self._effort, self._integral, self._highest, self.targets = (
            np.array([getattr(drive, name) for drive in model.drives]) for name in (
                'gain', 'effort', 'integral', 'integral_effort', 'start'))
        assert [drive.joint for drive in model.drives] == [
            dof.getName() for dof in self._arm.getDofs()]
        self._arm.setPositions(self.targets)
        self._integrals = np.zeros(len(model.drives))
        self._count = 0

    def run(self, seconds):
        """Advance, and return the highest speed (n,) of each driven joint."""
        highest = np.zeros(len(self.targets))
        for _ in range(round(seconds / self.scene.step)):
            error = self.positions() - self.targets
            if self._count % round(SERVO_PERIOD / self.scene.step) == 0:
                self._velocities = -SERVO_GAIN / SERVO_PERIOD * error
            self._arm.setCommands(self._velocities if self._servo else self._forces(error))
            self.world.step()  # clears the commands
            self._count += 1
            highest = np.maximum(highest, np.abs(self._arm.getVelocities()))
        return highest

    def place(self, model, pose):
        """Put a free model at a pose (7,): x y z [m], quaternion x y z w; at rest."""
        turn = Rotation.from_quat(pose[3:]).as_rotvec()
        self._skeletons[model].setPositions(np.concatenate([turn, pose[:3]]))
        self._skeletons[model].setVelocities(np.zeros(6))

    def pose(self, model):
        """Return a model's pose (7,)."""
        transform = self._skeletons[model].getBodyNode(0).getWorldTransform().matrix()
        return np.concatenate([
            transform[:3, 3], Rotation.from_matrix(transform[:3, :3]).as_quat(canonical=True)])

    def positions(self):
        """Return the positions (n,) of the driven joints."""
        return self._arm.getPositions()

    def errors(self):
        """Return the distances (n,) of the driven joints from their targets."""
        return np.abs(self.positions() - self.targets)

    def _forces(self, error):
        self._integrals = np.clip(self._integrals + self._integral * self.scene.step * error,
                                  -self._highest, self._highest)
        return np.clip(-self._gain * error - self._integrals, -self._effort, self._effort)

    def _skeleton(self, model):
        skeleton = dart.dynamics.Skeleton(model.name)
        links = {link.name: link for link in model.links}
        root = next(iter(links.values()))  # the others follow their joints
        if model.static or model.joints:
            joint, body = skeleton.createWeldJointAndBodyNodePair()
            joint.setTransformFromParentBodyNode(_transform(model.pose))
        else:
            joint, body = skeleton.createFreeJointAndBodyNodePair()
            joint.setPositions(np.array([0.0, 0.0, 0.0, *model.pose.xyz]))
        bodies = {root.name: body}
        for each in model.joints:
            bodies[each.child] = self._joint(skeleton, bodies[each.parent], each)
        for name, body in bodies.items():
            self._fill(body, links[name])
        skeleton.disableSelfCollisionCheck()
        skeleton.setMobile(not model.static)
        return skeleton

    def _joint(self, skeleton, parent, given):
        kind = 'Revolute' if given.kind == 'revolute' else 'Prismatic'
        properties = getattr(dart.dynamics, f'{kind}JointProperties')()
        properties.mName, properties.mAxis = given.name, given.axis
        properties.mT_ParentBodyToJoint = _transform(given.pose)
        joint, body = getattr(skeleton, f'create{kind}JointAndBodyNodePair')(
            parent, properties, dart.dynamics.BodyNodeProperties())
        joint.setPositionLowerLimit(0, given.lower)
        joint.setPositionUpperLimit(0, given.upper)
        joint.setVelocityLowerLimit(0, -given.velocity)
        joint.setVelocityUpperLimit(0, given.velocity)
        joint.setForceLowerLimit(0, -given.effort)
        joint.setForceUpperLimit(0, given.effort)
        joint.setDampingCoefficient(0, given.damping)
        joint.setLimitEnforcement(True)
        joint.setActuatorType(dart.dynamics.ActuatorType.SERVO if self._servo
                              else dart.dynamics.ActuatorType.FORCE)
        return body

    def _fill(self, body, link):
        if link.inertial is not None:
            turn = Rotation.from_euler('xyz', link.inertial.centre.rpy).as_matrix()
            body.setInertia(dart.dynamics.Inertia(
                link.inertial.mass, np.array(link.inertial.centre.xyz),
                turn @ np.diag(link.inertial.moments) @ turn.T))
        body.setGravityMode(not (link.weightless and self._weightless))
        for shape in link.shapes:
            node = body.createShapeNode(
                dart.dynamics.BoxShape(shape.size) if shape.kind == 'box'
                else dart.dynamics.CylinderShape(*shape.size))
            node.setRelativeTransform(_transform(shape.pose))
            node.createCollisionAspect()
            node.createDynamicsAspect().setFrictionCoeff(shape.friction)


class DartArm(SimulatedRobot):
    """The arm of a world, as ``GazeboArm`` is in MuJoCo; arguments: see DartWorld."""

    def __init__(self, contract, task, scene, weightless=True, servo=False):
        super().__init__(contract)
        self._task, self._given = task, (scene, weightless, servo)
        self._judge = LiftJudge(task)

    def _begin(self, seed):
        self.world = DartWorld(*self._given)
        self.world.place(self._task.object, self._task.start.draw(seed))
        self._judge.begin()
        return self._state()

    def _apply(self, action):
        self.world.targets = action
        self.world.run(self._contract.period)
        return self._state()

    def _state(self):
        joints, cube = self.world.positions(), self.world.pose(self._task.object)
        success = self._judge.observe(self.world.world.getTime(), cube[2])
        return SimulatedState(
            {'joint_positions': joints[:6], 'gripper_position': joints[6:], 'cube_pose': cube},
            'success' if success else 'none', float(success))

    def _draw(self, camera, height, width):
        raise NotImplementedError


def _transform(pose):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler('xyz', pose.rpy).as_matrix()
    matrix[:3, 3] = pose.xyz
    return dart.math.Isometry3(matrix)
