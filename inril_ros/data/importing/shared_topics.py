# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joint states of two arms on one topic, which the names of their joints don't tell apart."""

from typing import Any

import numpy as np

from inril_ros.data.agreement.to_and_fro import jumps_to_and_fro
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.fields import JOINT_STATE

_MOST = 1000  # messages per topic: two arms are seen in the first ones


class SharedTopics:
    """The first joint states of one episode, by topic and by the names in them.

    Args:
        contract: The robot's contract.
    """

    def __init__(self, contract: Contract) -> None:
        self._joints: dict[str, set[str]] = {}
        for entry in contract.observations.values():
            if entry.type == JOINT_STATE and entry.quantity == 'position':
                self._joints.setdefault(entry.topic, set()).update(entry.joints)
        self._kept: dict[str, list[Any]] = {topic: [] for topic in self._joints}

    def add(self, topic: str, message: Any) -> None:
        """Add a message of the episode."""
        kept = self._kept.get(topic)
        if kept is not None and len(kept) < _MOST \
                and len(message.name) == len(message.position):
            kept.append((tuple(message.name), np.array(message.position)))

    def problem(self) -> str:
        """Return which joints two arms seem to send on one topic; empty if there are none."""
        for topic, kept in self._kept.items():
            for names in {names for names, _ in kept}:
                positions = np.array([values for other, values in kept if other == names])
                joints = [joint for joint, jumps in zip(names, jumps_to_and_fro(positions))
                          if jumps and joint in self._joints[topic]]
                if joints:
                    return (f'{topic}: the positions of {joints} jump to and fro from message to '
                            'message: two arms whose joints have the same names seem to publish '
                            'there. Give each arm a topic of its own (a namespace)')
        return ''
