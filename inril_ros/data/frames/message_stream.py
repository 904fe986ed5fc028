# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The observations of one topic, where each message has all of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from inril_ros.data.frames.streams import FrameError, Stream
from inril_ros.robot.contract.contract import Observation
from inril_ros.robot.messages.codecs import CodecError, decode
from inril_ros.robot.readable import quoted


class Sample(NamedTuple):
    """What a message gives, and where it belongs.

    Attributes:
        stream: The stream to which it is added.
        value: Its value there.
        before: The stream that says whether it comes too late, or after a restart.
    """

    stream: Stream
    value: dict[str, np.ndarray]
    before: Stream


#: The value of an observation (size,), the time [ns] of the oldest sample in it, and the longest
#: pause [ns] of a stream next to the samples used.
Aligned = tuple[np.ndarray, int, int]


class MessageStream:
    """Observations that are read from each message of a topic in full.

    Args:
        topic: The topic, for error messages.
        observations: The observations by name.
        history: Number of samples kept.
    """

    def __init__(self, topic: str, observations: Mapping[str, Observation], history: int) -> None:
        self._topic = topic
        self._observations = observations
        self._stream = Stream(history)
        self._spatial = any(entry.type.startswith('geometry_msgs/')
                            for entry in observations.values())
        self._frame = ''

    def read(self, message: Any, time: int) -> Sample:
        """Return the sample of a message from a time [ns]; it isn't added yet.

        Raises:
            CodecError: It doesn't hold what the contract says, or is in another frame than the
                messages before it.
        """
        header = getattr(message, 'header', None) if self._spatial else None
        frame = getattr(header, 'frame_id', '').lstrip('/')
        if frame and self._frame and frame != self._frame:
            raise CodecError(
                f'{self._topic}: is in the frame {quoted(frame)}, the first message was in '
                f'{quoted(self._frame)}: one observation has one frame. Give each sender a topic '
                'of its own')
        value = {name: decode(message, entry) for name, entry in self._observations.items()}
        self._frame = self._frame or frame
        return Sample(self._stream, value, self._stream)

    @property
    def newest(self) -> int:
        """Time of the newest sample [ns]; 0 without samples."""
        return self._stream.newest

    def missing(self) -> str:
        """Return what has not come; empty if nothing is missing."""
        return '' if len(self._stream) else f'{self._topic}: no usable message has come'

    def clear(self) -> None:
        """Forget all samples."""
        self._stream.clear()

    def aligned(self, name: str, instant: int, known: int) -> Aligned:
        """Return the value of an observation at an instant.

        Args:
            name: Name of the observation.
            instant: The instant [ns].
            known: Samples newer than this [ns] are not used.

        Raises:
            FrameError: There is no sample at or before the instant.
        """
        found = self._stream.at(instant, known)
        if found is None:
            raise FrameError(f'{self._topic}: no sample at or before {min(instant, known)} ns')
        return found.aligned(name, self._observations[name].align), found.at, found.gap
