# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""TF as a stream: the pose of one frame in another, along the chain of transforms between them.

Each transform of the chain is aligned by itself, as in tf2, because each has its own sender and
rate. Transforms that never change come once, on the topic of static transforms.
"""

from typing import Any

import numpy as np

from inril_ros.data.frames.streams import between_samples, FrameError, Stream
from inril_ros.robot.messages.codecs import check_finite, CodecError, header_stamp_ns, numbers_in
from inril_ros.robot.readable import quoted
from inril_ros.robot.rotations import check_unit, compose, inverse_pose

#: [ns] The time of static transforms: newer than any clock.
ALWAYS = 2 ** 62
_LONGEST = 100  # transforms of a chain; more is a circle
_TOLD = 5  # refused transforms of a message


class TransformTree:
    """All transforms received on one topic of TF and its topic of static transforms.

    Args:
        topic: The topic, for error messages.
        history: Number of samples kept per transform.
    """

    def __init__(self, topic: str, history: int) -> None:
        self._topic = topic
        self._history = history
        self._parents: dict[str, str] = {}
        self._static: dict[str, np.ndarray] = {}
        self._moving: dict[str, Stream] = {}

    def add_static(self, message: Any) -> list[str]:
        """Add transforms that hold from now on.

        Returns:
            Why some of them are refused.

        Raises:
            CodecError: None of them can be used.
        """
        transforms, refused = self._usable(message)
        for parent, child, _, pose in transforms:
            self._parents[child] = parent
            self._static[child] = pose
        return refused

    def add(self, message: Any) -> tuple[int, list[str], bool]:
        """Add moving transforms.

        Returns:
            The newest stamp [ns] among them, why some of them are refused, and whether time went
            back, so that all samples must be forgotten.

        Raises:
            CodecError: None of them can be used.
        """
        transforms, refused = self._usable(message, stamped=True)
        went_back = False
        for parent, child, stamp, pose in transforms:
            stream = self._moving.setdefault(child, Stream(self._history))
            if stream.is_late(stamp):
                refused.append(f'the transform to {child!r}: {stream.why_late(stamp)}')
                continue
            if stream.restarts(stamp):
                went_back = True
                self.clear()
            self._parents[child] = parent
            self._static.pop(child, None)
            stream.add(stamp, pose)
        return max((stamp for _, _, stamp, _ in transforms), default=0), refused, went_back

    def _usable(
        self, message: Any, stamped: bool = False,
    ) -> tuple[list[tuple[str, str, int, np.ndarray]], list[str]]:
        """Return (parent, child, stamp [ns], pose (7,)) of each usable transform, and reasons.

        As in tf2, one that can't be used doesn't spoil the others of its message.

        Raises:
            CodecError: None can be used.
        """
        usable, refused = [], []
        for item in message.transforms:
            pose = np.array(numbers_in(item.transform), np.float64)
            stamp, child = header_stamp_ns(item.header), item.child_frame_id.lstrip('/')
            try:
                if stamped and stamp == 0:
                    raise ValueError('its stamp is 0: a sample without a time is not used')
                check_finite(pose, self._topic)
                check_unit(pose[3:])
            except ValueError as error:
                refused.append(f'the transform to {quoted(child)}: {error}')
            else:
                usable.append((item.header.frame_id.lstrip('/'), child, stamp, pose))
        if refused and not usable:
            raise CodecError(f'{self._topic}: {"; ".join(refused[:_TOLD])}')
        return usable, refused

    def clear(self) -> None:
        """Forget all moving transforms; static ones are sent only once, so they stay."""
        for stream in self._moving.values():
            stream.clear()

    def newest(self, parent: str, child: str) -> int:
        """Return the newest time [ns] at which the whole chain is known; 0 if there is no chain.

        A chain of static transforms alone is known at all times.
        """
        try:
            up, down = self._chain(parent, child)
        except FrameError:
            return 0
        times = [self._moving[name].newest for name in (*up, *down) if name not in self._static]
        return min(times, default=ALWAYS)

    def missing(self, parent: str, child: str) -> str:
        """Return why a pose has no time at which it is known; empty if it has one."""
        if not self._parents:
            return f'{self._topic}: no usable transform has come'
        try:
            up, down = self._chain(parent, child)
        except FrameError as error:
            return str(error)
        absent = [name for name in (*up, *down)
                  if name not in self._static and not len(self._moving[name])]
        return f'{self._topic}: no transform to {absent} has come' if absent else ''

    def pose(
        self, parent: str, child: str, instant: int, known: int, align: str,
    ) -> tuple[np.ndarray, int, int]:
        """Return the pose (7,) of a frame in another at an instant.

        Args:
            parent: The frame in which the pose is given.
            child: The frame whose pose is returned.
            instant: The instant [ns].
            known: Samples newer than this [ns] are not used.
            align: ``hold`` or ``slerp``, for each transform.

        Returns:
            The pose, the time [ns] of the oldest sample in it (the instant if all transforms are
            static) and the longest gap [ns].

        Raises:
            FrameError: No chain joins the frames, or a transform has no sample yet.
        """
        up, down = self._chain(parent, child)
        oldest, gap = instant, 0
        pose = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
        # From the parent up to the common frame, then down to the child.
        for name in (*up, *reversed(down)):
            transform = self._static.get(name)
            if transform is None:
                found = self._moving[name].at(instant, known)
                if found is None:
                    raise FrameError(f'{self._topic}: no sample of the transform to {name!r} at '
                                     f'or before {instant} ns')
                oldest, gap = min(oldest, found.at), max(gap, found.gap)
                transform = found.value
                if align != 'hold' and found.after is not None:
                    transform = between_samples(transform, found.after, found.share, align)
            pose = compose(pose, inverse_pose(transform) if name in up else transform)
        return pose, oldest, gap

    def _chain(self, parent: str, child: str) -> tuple[list[str], list[str]]:
        """Return the transforms from parent and child to their common frame, by child frame."""
        up, down = self._to_root(parent), self._to_root(child)
        while up and down and up[-1] == down[-1]:
            up.pop()
            down.pop()
        ends = {self._parents[path[-1]] if path else start
                for path, start in ((up, parent), (down, child))}
        known = self._parents.keys() | set(self._parents.values())
        if len(ends) > 1:
            raise FrameError(
                f'{self._topic}: {child!r} and {parent!r} are not joined by transforms; frames '
                f'that are known: {sorted(known)}')
        return up, down

    def _to_root(self, frame: str) -> list[str]:
        path: list[str] = []
        while frame in self._parents:
            path.append(frame)
            frame = self._parents[frame]
            if len(path) > _LONGEST:
                raise FrameError(f'{self._topic}: the transforms run in a circle: {path[:5]} ...')
        return path
