# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A teleop device: turns a person's input into commands and a joystick with a dead man's switch.

A YAML file describes the device: joystick, SpaceMouse, leader arm, a terminal's keyboard or
another program's joint velocities. A scripted operator can replace the person. See
docs/how_to/teleoperation.md.
"""

from functools import partial
from typing import Any

from rclpy.executors import Executor

from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.teleop.person_device import PersonDevice
from inril_ros.nodes.teleop.scripted_device import ScriptedDevice
from inril_ros.nodes.teleop.teleop_sender import TeleopSender
from inril_ros.robot.teleop.settings import KINDS, load_device
from inril_ros.sim.environment import make_operator

PARAMETERS = (
    Parameter('device', 'scripted', f'kind of device: scripted, {", ".join(KINDS)}'),
    Parameter('settings', '', 'path of the settings of a device that is not scripted (YAML); '
              'empty: its defaults'),
    Parameter('simulation', '', 'path of the simulation mapping (YAML) with the task; empty: '
              'the built-in arm'),
    Parameter('task', '', 'task of the scripted operator'),
    Parameter('noise', 0.3, "standard deviation of the scripted operator's errors, as a share of "
              'the largest action', minimum=0.0, maximum=2.0),
)


class TeleopNode(ManagedNode):
    """The device of a person or of a scripted operator."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('teleop_node', PARAMETERS, **arguments)
        self._person: PersonDevice | None = None

    def setup(self) -> None:
        """Make the device."""
        kind = self.value('device')
        if kind != 'scripted':
            settings = load_device(kind, self.value('settings'))
            self._person = PersonDevice(self, settings, TeleopSender(self, kind))
            return
        operator = make_operator(
            self.value('task'), self.contract, self.value('noise'), self.value('simulation'))
        self._scripted = ScriptedDevice(self, operator, TeleopSender(self, kind))

    def spin_once(self, executor: Executor) -> None:
        """Run one callback, or wait for one; send what a person does if it is time."""
        if self._person is not None:
            self._person.spin_once(executor)
        else:
            super().spin_once(executor)

    def stop(self) -> None:
        """Release the switch."""
        if self._person is not None:
            self._person.stop()

    def teardown(self) -> None:
        """Restore the terminal."""
        if self._person is not None:
            self._person.close()


main = partial(run, TeleopNode, PARAMETERS, __doc__)

if __name__ == '__main__':
    raise SystemExit(main())
