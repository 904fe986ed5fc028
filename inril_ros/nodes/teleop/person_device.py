# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person's device in real time: read at each tick, and released when it is silent.

Commands are stamped when they are sent. A released device sends an open switch and no command, so
that the arm is held at once, not when the last command has become old.
"""

from dataclasses import replace
import sys
import time

from rclpy.executors import Executor

from inril_ros.nodes.actuation.tick_timer import TickTimer
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.teleop.arm_state import ArmState
from inril_ros.nodes.teleop.person_services import PersonServices
from inril_ros.nodes.teleop.teleop_inputs import DeviceInput, make_input
from inril_ros.nodes.teleop.teleop_sender import TeleopSender
from inril_ros.nodes.teleop.terminal import KeyTerminal
from inril_ros.robot.teleop.keys import keys_of, PressedKeys
from inril_ros.robot.teleop.mapping import DeviceCommand, JointJogger, RELEASED
from inril_ros.robot.teleop.person_keys import PersonKey
from inril_ros.robot.teleop.settings import check_device, Device, Keyboard, Leader


class PersonDevice:
    """A device, and the keys of the node's terminal, if it has one.

    Raises:
        ValueError: The device can't drive this robot, or not with these settings.
    """

    def __init__(self, node: ManagedNode, settings: Device, sender: TeleopSender) -> None:
        contract, rules = node.contract, node.contract.teleoperation
        check_device(settings, contract)
        if node.lockstep:
            raise ValueError(
                f'{settings.device}: a person can drive only in real time (lockstep:=false)')
        self._node = node
        self._sender = sender
        self._arm = ArmState(node)
        self._joints = contract.actions[rules.joint_action].joints if rules.joint_action else ()
        follows = isinstance(settings, Leader)
        self._jogger = JointJogger(contract) if self._joints and not follows else None
        self._jogged = rules.joint_action
        twist = bool(rules.twist_action or rules.rotation_action)
        self._input: DeviceInput | None = None
        self._drives_on_arrival = follows
        if isinstance(settings, Keyboard):
            self._keys = PressedKeys(settings, self._joints, twist)
        else:
            self._keys = PressedKeys(Keyboard(), (), twist=False)
            self._input = make_input(node, settings, self.drive if follows else lambda: None)
            node.require(*self._input.endpoints)
        self._services = PersonServices(node, self._log_answer)
        self._terminal: KeyTerminal | None = None
        if self._input is None or (sys.stdin is not None and sys.stdin.isatty()):
            self._terminal = KeyTerminal(resumed=self._keys.release)
            print(self._keys.help, flush=True)
        self._ticks = TickTimer(node, None, contract.period_ns, lambda _: self._tick())

    def spin_once(self, executor: Executor) -> None:
        """Run one callback of the node, or wait for one; send a command if it is time."""
        self._ticks.spin_once(executor)

    def stop(self) -> None:
        """Send that nobody drives."""
        self._keys.release()
        self._sender.send(self._node.now(), RELEASED)

    def close(self) -> None:
        """Restore the terminal."""
        if self._terminal is not None:
            self._terminal.close()

    def drive(self) -> None:
        """Send the person's present command."""
        if not self._node.active:
            return
        now = time.monotonic()
        command = self._keys.command(now) if self._input is None else self._input.command()
        if self._jogger is not None:
            command = replace(command, joint_position=self._jogger.step(
                now, command.joint_velocity, command.held, self._arm.positions(self._jogged)))
        self._sender.send(self._node.now(), self._with_gripper(command))

    def _with_gripper(self, command: DeviceCommand) -> DeviceCommand:
        """Return a command that keeps the gripper as it is until the person commands it."""
        if not self._node.contract.teleoperation.gripper_action or command.gripper is not None:
            return command
        if command.held and self._sender.gripper is not None:
            return command
        kept = self._arm.gripper()
        return replace(command, gripper=kept, held=command.held and kept is not None)

    def _tick(self) -> None:
        if self._terminal is not None:
            for key in keys_of(self._terminal.read()):
                pressed = self._keys.press(key, time.monotonic())
                if pressed is not None and pressed.service:
                    self._services.call(pressed)
                elif pressed is not None:
                    print(self._keys.help, flush=True)
        if not (self._drives_on_arrival and self._input.moves):
            self.drive()

    def _log_answer(self, key: PersonKey, done: bool, text: str) -> None:
        log = self._node.get_logger()
        (log.info if done else log.warning)(f'{key.meaning}: {text}')
