# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Observations at the tick: one class for live topics and for bags.

A frame at a tick shows the world at one instant, the tick or ``observation_delay`` before it. Each
stream contributes its newest sample at or before the instant (zero-order hold), or the value
between the two samples around it. Nothing stamped after the tick is used, so a frame is the same
whenever it is made: at once, or years later from a bag. Live code adds messages as they come; the
bag reader adds the same messages in the same order; both get the same frames.
Images are kept as the cameras encoded them, because those of most ticks are never looked at.
"""

from typing import Any

import numpy as np

from inril_ros.data.frames.frame import Frame, FrameFit
from inril_ros.data.frames.joint_streams import JointStreams
from inril_ros.data.frames.message_stream import MessageStream
from inril_ros.data.frames.rejections import Rejections
from inril_ros.data.frames.streams import FrameError, Stream
from inril_ros.data.frames.transform_tree import ALWAYS, TransformTree
from inril_ros.robot import rotations
from inril_ros.robot.contract.contract import Camera, Contract, Observation
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.contract.parts import static_topic
from inril_ros.robot.messages.codecs import CodecError, stamp_ns
from inril_ros.robot.messages.images import encoded_image

__all__ = ['FrameAligner', 'FrameError']


class FrameAligner:
    """Collects samples and makes frames; not thread-safe.

    Args:
        contract: Names the observations and how old they may be.
        history: Number of samples kept per topic.
        images: Whether images of the policy cameras, if the contract has any, are included.
        image_history: Number of images kept per camera.
        delayed: Show the world ``observation_delay`` before the tick, as the policy sees it.
            False: show the newest that is known, as whoever guards the arm needs it.

    Attributes:
        rejections: Messages, or transforms, that couldn't be read, or came after newer ones.
        restarts: How often time went back, so that all samples were forgotten.
    """

    def __init__(self, contract: Contract, history: int = 1024, images: bool = False,
                 image_history: int = 256, delayed: bool = True) -> None:
        self._contract = contract
        if any(observation.align == 'slerp' or observation.type == TRANSFORMS
               for observation in contract.observations.values()):
            rotations.load()
        self._delay = round(contract.observation_delay * 1e9) if delayed else 0
        cameras = contract.policy_cameras if images else {}
        self._cameras: dict[str, Camera] = {
            camera.topic: camera for camera in cameras.values()}
        self._images = {topic: Stream(image_history) for topic in self._cameras}
        # [ns] In lockstep an image also counts for the ticks until the next one.
        self._image_span = {
            camera.topic: (contract.ticks_per_image(name) - 1) * contract.period_ns
            for name, camera in cameras.items()}
        self._latencies = {name: round(entry.latency * 1e9)
                           for name, entry in contract.observations.items()}
        observed: dict[tuple[str, str], dict[str, Observation]] = {}  # by topic and clock
        self._trees: dict[str, TransformTree] = {}
        for name, entry in contract.observations.items():
            if entry.type == TRANSFORMS:
                self._trees.setdefault(entry.topic, TransformTree(entry.topic, history))
            else:
                observed.setdefault((entry.topic, entry.clock), {})[name] = entry
        self._static = {static_topic(topic): tree for topic, tree in self._trees.items()}
        self._streams = {key: _stream(contract, key[0], entries, history)
                         for key, entries in observed.items()}
        self._latched = {key for key, entries in observed.items()
                         if all(entry.latched for entry in entries.values())}
        self._keys: dict[str, list[tuple[str, str]]] = {}
        for key in observed:
            self._keys.setdefault(key[0], []).append(key)
        self.rejections = Rejections()
        self.restarts = 0

    @property
    def topics(self) -> dict[str, str]:
        """The type of each topic whose messages ``add`` accepts."""
        return {**self._contract.observation_topics(),
                **{topic: camera.type for topic, camera in self._cameras.items()}}

    def add(self, topic: str, message: Any, received: int | None = None) -> int:
        """Add a message; return its time [ns].

        A message that is older than the newest one of its topic is ignored; where messages name
        joints, the newest one with the same joints counts. If time went back by more than a second
        (a restarted simulator, a looping bag) the past is forgotten.

        Args:
            topic: The contract's name of the topic.
            message: A message of ROS or of ``rosbags``.
            received: When it came [ns]: its time, where the contract says ``clock: receive``.

        Raises:
            CodecError: The message has no stamp, or doesn't hold what the contract says. Nothing
                of it is added.
        """
        try:
            return self._add_message(topic, message, received)
        except CodecError as error:
            self.rejections.add(topic, str(error))
            raise
        except (AttributeError, TypeError, ValueError, IndexError) as error:
            self.rejections.add(topic, str(error))
            raise CodecError(f'{topic}: {error}') from error

    def _add_message(self, topic: str, message: Any, received: int | None) -> int:
        if topic in self._static:
            for reason in self._static[topic].add_static(message):
                self.rejections.add(topic, reason)
            return received or 0
        if topic in self._trees:
            stamp, refused, went_back = self._trees[topic].add(message)
            for reason in refused:
                self.rejections.add(topic, reason)
            if went_back:
                self._restart(self._trees[topic])
            return stamp
        if topic in self._images:
            stamp = _header_time(topic, message)
            if not self._is_late(topic, self._images[topic], stamp):
                image = encoded_image(message, self._cameras[topic])
                if self._images[topic].restarts(stamp):
                    self._restart()
                self._images[topic].add(stamp, image)
            return stamp
        keys = self._keys[topic]
        times = [_time(key, message, received) for key in keys]
        samples = [self._streams[key].read(message, time)
                   for key, time in zip(keys, times, strict=True)]
        for sample, time in zip(samples, times, strict=True):
            if sample is not None and not self._is_late(topic, sample.before, time):
                if sample.before.restarts(time):
                    self._restart()
                sample.stream.add(time, sample.value)
        return times[0]

    def _is_late(self, topic: str, stream: Stream, time: int) -> bool:
        late = stream.is_late(time)
        if late:
            self.rejections.add(topic, stream.why_late(time))
        return late

    def _restart(self, restarted: TransformTree | None = None) -> None:
        """Forget all samples, except those of the tree that has restarted by itself."""
        self.restarts += 1
        self.clear(restarted)

    def clear(self, except_for: TransformTree | None = None) -> None:
        """Forget all samples, except those of one tree; static transforms stay."""
        for stream in (*self._streams.values(), *self._images.values()):
            stream.clear()
        for tree in self._trees.values():
            if tree is not except_for:
                tree.clear()

    def newest_complete(self) -> int:
        """Return the newest time [ns] that every stream has reached; 0 if one has no sample."""
        streams = [newest for key, newest in (
                       (key, stream.newest) for key, stream in self._streams.items())
                   if not (newest and key in self._latched)]
        images = [stream.newest + self._image_span[topic] if len(stream) else 0
                  for topic, stream in self._images.items()]
        return min([*streams, *images, *self._transforms_newest().values()], default=ALWAYS)

    def _transforms_newest(self) -> dict[str, int]:
        """Return the newest time [ns] of each observed transform, by its observation's name."""
        return {name: self._trees[entry.topic].newest(entry.parent, entry.child)
                for name, entry in self._contract.observations.items()
                if entry.type == TRANSFORMS}

    def missing(self) -> dict[str, str]:
        """Return by topic what has not come, and what its messages have instead."""
        found = {topic: stream.missing() for (topic, _), stream in self._streams.items()}
        for name, newest in self._transforms_newest().items():
            if not newest:
                entry = self._contract.observations[name]
                found[entry.topic] = self._trees[entry.topic].missing(entry.parent, entry.child)
        found |= {topic: '' if len(stream) else f'{topic}: no usable image has come'
                  for topic, stream in self._images.items()}
        return {topic: reason for topic, reason in found.items() if reason}

    def notes(self) -> list[str]:
        """Return what was taken for granted to make the frames so far."""
        return [f'{topic}: {sorted(stream.turned)} passed the end of a turn and were interpolated '
                'the short way; where such a joint is no angle, write continuous: [] in the '
                'contract'
                for (topic, _), stream in self._streams.items()
                if isinstance(stream, JointStreams) and stream.turned]

    def frame(self, stamp: int) -> Frame:
        """Return the valid observations at a tick [ns].

        Raises:
            FrameError: A stream has no sample at or before the shown instant, or only one that is
                too old.
        """
        frame = self.late_frame(stamp)
        if frame.late:
            raise FrameError(frame.late)
        return frame

    def late_frame(self, stamp: int) -> Frame:
        """Return the observations at a tick [ns], even if samples are older than allowed.

        Nobody may act on such a frame: its ``late`` says why. It keeps what is derived from
        several ticks in step with them, and an episode whole.

        Raises:
            FrameError: A stream has no sample at or before the shown instant.
        """
        instant = stamp - self._delay
        fit = FrameFit(instant)
        values = {name: self._value(name, instant, stamp, fit)
                  for name in self._contract.observations}
        images = []
        for topic, stream in self._images.items():
            latency = round(self._cameras[topic].latency * 1e9)
            found = stream.at(instant + latency, stamp)
            if found is None:
                raise FrameError(f'{topic}: no sample at or before '
                                 f'{min(instant + latency, stamp)} ns')
            age = fit.add(found.at - latency, found.gap)
            limit = self._contract.policy_images.max_age
            if age > limit:
                fit.late = fit.late or f'{topic}: the image is {_old(age, limit)}'
            images.append(found.value)
        return Frame(stamp, values, fit.values_age, tuple(images), fit.skew, fit.gap / 1e9,
                     fit.late)

    def _value(self, name: str, instant: int, known: int, fit: FrameFit) -> np.ndarray:
        entry, latency = self._contract.observations[name], self._latencies[name]
        if entry.type == TRANSFORMS:
            pose, at, gap = self._trees[entry.topic].pose(
                entry.parent, entry.child, instant + latency, known, entry.align)
            value = {7: pose, 3: pose[:3], 4: pose[3:]}[entry.length]
        else:
            value, at, gap = self._streams[entry.topic, entry.clock].aligned(
                name, instant + latency, known)
        if entry.latched:  # holds until the next message, however old
            return value
        age = fit.add(at - latency, gap)
        fit.values_age = max(fit.values_age, age)
        if age > entry.max_age and not fit.late:
            which = name
            if entry.comes_by_joint:
                joints = self._streams[entry.topic, entry.clock].joints_from(
                    name, at, instant + latency, known)
                which = f'{name} (of {joints})' if joints else name
            fit.late = f'{entry.topic}: {which} is {_old(age, entry.max_age)}'
        return value


def _old(age: float, allowed: float) -> str:
    return f'{age:.3f} s old, {allowed} s allowed'


def _stream(
    contract: Contract, topic: str, observations: dict[str, Observation], history: int,
) -> MessageStream | JointStreams:
    if not next(iter(observations.values())).comes_by_joint:
        return MessageStream(topic, observations, history)
    angles = {name: contract.joint_angles(name) for name in observations}
    return JointStreams(topic, observations, history, {
        name: found for name, found in angles.items() if found is not None})


def _time(key: tuple[str, str], message: Any, received: int | None) -> int:
    """Return the time of a message [ns], by the clock that the contract names."""
    topic, clock = key
    if clock == 'header':
        return _header_time(topic, message)
    if received is None:
        raise CodecError(f'{topic}: its time is when it is received, and that is not known here')
    return received


def _header_time(topic: str, message: Any) -> int:
    if not hasattr(message, 'header'):
        raise CodecError(f'{topic}: has no header, so no time of its own: its observations need '
                         'clock: receive')
    stamp = stamp_ns(message)
    if stamp == 0:
        raise CodecError(f'{topic}: header.stamp is 0: a sample without a time is not used')
    return stamp
