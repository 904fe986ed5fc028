# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Observations at the tick: one class for live topics and for bags.

Each stream keeps its newest samples. A frame at a tick holds, for each stream, the newest sample
at or before the tick (zero-order hold), and how old it was. Live code adds messages as they come;
the bag reader adds the same messages in the order of their stamps; both get the same frames.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from inril_ros.robot.codecs import CodecError, decode, stamp_ns
from inril_ros.robot.contract import Contract


class FrameError(ValueError):
    """A frame that can't be made: a stream has no sample, or only one that is too old."""


@dataclass(frozen=True)
class Frame:
    """The observations at one tick.

    Attributes:
        stamp: [ns] The tick.
        values: Each observation of the contract by name, (size,) float64.
        age: [s] Age of the oldest of them at the tick.
    """

    stamp: int
    values: dict[str, np.ndarray]
    age: float


class FrameAligner:
    """Collects samples and gives frames; not thread-safe.

    Args:
        contract: Says which observations there are and how old they may be.
        history: Samples kept per topic.
    """

    def __init__(self, contract: Contract, history: int = 1024) -> None:
        self._contract = contract
        self._by_topic: dict[str, list[str]] = {}
        for name, entry in contract.observations.items():
            self._by_topic.setdefault(entry.topic, []).append(name)
        self._samples: dict[str, deque[tuple[int, dict[str, np.ndarray]]]] = {
            topic: deque(maxlen=history) for topic in self._by_topic}
        self.rejected = 0

    def add(self, topic: str, message: Any) -> int:
        """Take a message in; return its stamp [ns].

        A message that is older than the newest one of its topic is ignored. If time went back by
        more than a second (a restarted simulator, a looping bag) the past is forgotten.

        Raises:
            CodecError: The message has no stamp, or doesn't hold what the contract says.
        """
        stamp = stamp_ns(message)
        if stamp == 0:
            self.rejected += 1
            raise CodecError(f'{topic}: header.stamp is 0: a sample without a time is not used')
        samples = self._samples[topic]
        if samples and 0 <= samples[-1][0] - stamp < 1_000_000_000:
            self.rejected += 1
            return stamp
        try:
            values = {name: decode(message, self._contract.observations[name])
                      for name in self._by_topic[topic]}
        except (AttributeError, TypeError) as error:
            self.rejected += 1
            raise CodecError(f'{topic}: {error}') from error
        except CodecError:
            self.rejected += 1
            raise
        if samples and stamp < samples[-1][0]:
            self.clear()
        samples.append((stamp, values))
        return stamp

    def clear(self) -> None:
        """Forget all samples."""
        for samples in self._samples.values():
            samples.clear()

    def newest_complete(self) -> int:
        """Return the newest time [ns] up to which every stream has spoken; 0 if one never has."""
        return min(samples[-1][0] if samples else 0 for samples in self._samples.values())

    def silent_topics(self) -> list[str]:
        """Return the topics on which nothing has been seen."""
        return [topic for topic, samples in self._samples.items() if not samples]

    def frame(self, stamp: int) -> Frame:
        """Return the observations at a tick [ns].

        Raises:
            FrameError: A stream has no sample at or before the tick, or only one over its age.
        """
        values: dict[str, np.ndarray] = {}
        oldest = 0.0
        for topic, samples in self._samples.items():
            sample = next((item for item in reversed(samples) if item[0] <= stamp), None)
            if sample is None:
                raise FrameError(f'{topic}: no sample at or before {stamp} ns')
            age = (stamp - sample[0]) / 1e9
            oldest = max(oldest, age)
            for name in self._by_topic[topic]:
                limit = self._contract.observations[name].max_age
                if age > limit:
                    raise FrameError(f'{topic}: {name} is {age:.3f} s old, {limit} s allowed')
                values[name] = sample[1][name]
        return Frame(stamp, values, oldest)


class ObservationBuilder:
    """Turns the frames of one episode, in order, into policy observations (O,) float32.

    It holds the previous frame, which derived observations such as a change need. Start a new one,
    or call ``begin``, at each episode's first tick.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._previous: dict[str, np.ndarray] | None = None

    def begin(self) -> None:
        """Forget the previous frame: the next one is the first of an episode."""
        self._previous = None

    def build(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Return the policy observation (O,) of the next frame."""
        previous = values if self._previous is None else self._previous
        parts = []
        for name in self._contract.policy_observations:
            derived = self._contract.derived.get(name)
            if derived is None:
                parts.append(values[name])
            elif derived.difference:
                first, second = derived.difference
                parts.append(derived.scale * (values[first] - values[second]))
            elif derived.change:
                change = values[derived.change] - previous[derived.change]
                parts.append(derived.scale * change)
            else:
                parts.append(derived.scale * previous[derived.previous])
        self._previous = values
        return np.concatenate(parts).astype(np.float32)
