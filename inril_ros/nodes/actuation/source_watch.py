# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Watches the robot's streams for silence, stopped stamps and frozen content.

The age of a sample at a tick doesn't show a clock that stopped, nor a driver that goes on sending
its last picture with new stamps. Both are faults here (``robot/motion/liveness``).
"""

from functools import partial
from typing import Any

from rclpy.subscription import Subscription

from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.base.serialised_messages import check_serialised, serialised_stamp
from inril_ros.robot.contract.contract import Contract, Observation
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.messages.codecs import decode, joint_values, numbers_in
from inril_ros.robot.motion.liveness import Liveness

_HEADER = 12  # [byte] encapsulation and stamp of a serialised message that begins with a header


class SourceWatch:
    """The observations of a contract, and its cameras.

    Args:
        contract: Limits of the age and of the repetition of each stream.
        cameras: Watch the cameras too; their pictures are not decoded.
    """

    def __init__(self, node: ManagedNode, contract: Contract, cameras: bool) -> None:
        self._clock = node.rule_clock
        self._streams: dict[str, Liveness] = {}
        self._compared: dict[str, list[Observation]] = {}
        self._contents: dict[str, dict[tuple[int, str], Any]] = {}
        self.endpoints: list[Subscription] = []
        for topic in contract.observation_topics():
            entries = [entry for entry in contract.observations.values() if entry.topic == topic
                       and not entry.latched]
            if not entries:
                continue
            compared = [entry for entry in entries if entry.frozen_after]
            self._compared[topic], self._contents[topic] = compared, {}
            self._streams[topic] = Liveness(
                topic, min(entry.max_age for entry in entries),
                min((entry.frozen_after for entry in compared), default=0.0))
        rules = contract.safety
        for name, camera in contract.cameras.items() if cameras else ():
            self._streams[name] = Liveness(
                f'camera {name}', rules.max_camera_age, rules.camera_frozen_after)
            self.endpoints.append(node.create_subscription(
                message_type(camera.type), camera.topic,
                partial(self._on_picture, name, message_type(camera.type)),
                qos.SENSOR, raw=True))
        self.begin()

    def begin(self) -> None:
        """Measure silence from now on."""
        for stream in self._streams.values():
            stream.begin(self._clock.now())

    def observe(self, topic: str, stamp: int, message: Any) -> None:
        """Note an observation with its stamp [ns]."""
        stream = self._streams.get(topic)
        if stream is None:
            return
        stream.received(self._clock.now(), stamp, self._content(topic, message))

    def _content(self, topic: str, message: Any) -> bytes:
        """Return all values of a topic that are compared: of each joint the last one that came."""
        content = self._contents[topic]
        for number, entry in enumerate(self._compared[topic]):
            if entry.type == TRANSFORMS:
                content.update(((number, item.child_frame_id), numbers_in(item.transform))
                               for item in message.transforms)
            elif entry.comes_by_joint:
                content.update(((number, joint), value)
                               for joint, value in joint_values(message, entry).items())
            else:
                content[number, ''] = decode(message, entry).tobytes()
        return repr(list(content.values())).encode()

    def faults(self) -> tuple[str, ...]:
        """Return the present faults of the streams."""
        now = self._clock.now()
        found = (stream.fault(now) for stream in self._streams.values())
        return tuple(fault for fault in found if fault)

    def _on_picture(self, name: str, kind: type, raw: bytes) -> None:
        check_serialised(raw, kind)
        self._streams[name].received(
            self._clock.now(), serialised_stamp(raw), memoryview(raw)[_HEADER:])
