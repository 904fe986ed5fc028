# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The policy: an observation at the tick in, an action chunk out, weights refreshed meanwhile.

Pieces of weights are put together as they come, verified and loaded into a standby network in a
thread of their own, and exchanged between two inferences: an episode never waits for weights, and
no half-loaded network ever acts.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import median
import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
import torch

from inril_ros.data.sync import FrameAligner, FrameError, ObservationBuilder
from inril_ros.learning.exploration import ExplorationConfig, ExplorationNoise
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import build_policy, from_bytes, load_policy, schema_hash
from inril_ros.learning.policies.policy import Memory, Policy
from inril_ros.msg import (
    ActionChunk,
    EpisodeEvent,
    EpisodeRequest,
    PolicyStatus,
    PolicyWeights,
    WeightsManifest,
)
from inril_ros.nodes import qos
from inril_ros.nodes.managed_node import ManagedNode, run
from inril_ros.nodes.parameters import Parameter
from inril_ros.robot.codecs import stamp_ns
from inril_ros.transport.weights import Assembler, Manifest, WeightsRefused

PARAMETERS = (
    Parameter('model', '', 'folder of the model to begin with; empty: wait for weights'),
    Parameter('lead', 1, 'ticks between an observation and the first step of its chunk, in real '
              'time: room for the inference', minimum=0, maximum=50),
    Parameter('exploration_scale', 0.1, 'standard deviation of the exploration noise, as a share '
              'of the largest action', minimum=0.0, maximum=1.0),
)


class PolicyNode(ManagedNode):
    """Infers chunks and keeps the weights fresh."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('policy_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Load the model and make the streams."""
        torch.set_num_threads(1)
        contract = self.contract
        self._policy: Policy | None = None
        if self.value('model'):
            self._take_over(load_policy(Path(self.value('model'))))
        self._aligner = FrameAligner(contract)
        self._builder = ObservationBuilder(contract)
        self._assembler = Assembler(self.run_id, contract.hash)
        self._loader = ThreadPoolExecutor(1, thread_name_prefix='weights')
        self._standby: Future[Policy] | None = None
        self._standby_manifest: Manifest | None = None
        self._first_piece = 0.0
        self._status = PolicyStatus(run_id='')
        self._durations: deque[float] = deque(maxlen=200)
        self._episode: EpisodeEvent | None = None
        self._start = self._last = 0
        self._due = 0
        self._chunks = self.create_publisher(ActionChunk, 'action_chunk', qos.RECORD)
        self._statuses = self.create_publisher(PolicyStatus, 'policy/status', qos.STATE)
        self.create_subscription(WeightsManifest, 'weights/manifest', self._offer, qos.MANIFEST)
        self.create_subscription(PolicyWeights, 'weights/pieces', self._piece, qos.WEIGHTS)
        self.need(
            self.create_subscription(EpisodeEvent, 'episode/event', self._event, qos.EVENT),
            self._chunks)
        self.watch(self._aligner, self._advance_if_lockstep)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0, self._publish_status, clock=steady)
        self.create_timer(0.05, self._swap, clock=steady)
        if not self.lockstep:
            self.create_timer(contract.period, self._tick_in_real_time)
        self._publish_status()

    def not_ready(self) -> str:
        """Say whether there is nothing to act with."""
        return '' if self._policy is not None else 'no weights yet'

    def teardown(self) -> None:
        """Stop the loader."""
        if hasattr(self, '_loader'):
            self._loader.shutdown(wait=True, cancel_futures=True)

    # Episodes and observations.

    def _event(self, message: EpisodeEvent) -> None:
        if message.purpose == EpisodeRequest.DEMONSTRATION:
            return
        if message.event == EpisodeEvent.STARTED:
            self._episode = message
            self._start, self._due = stamp_ns(message), 0
            self._last = self._start - 1
            self._builder.begin()
            self._generator = torch.Generator().manual_seed(message.seed)
            self._memory: Memory | None = None
            self._noise = ExplorationNoise(
                ExplorationConfig(scale=self.value('exploration_scale')),
                self.contract.action_size, message.seed) if message.explore else None
            self._advance_if_lockstep()
        elif message.event in (EpisodeEvent.RESETTING, EpisodeEvent.ENDED):
            self._episode = None

    def _advance_if_lockstep(self) -> None:
        """Act on an observation that is new and complete."""
        if not self.lockstep or self._episode is None:
            return
        stamp = self._aligner.newest_complete()
        if stamp > self._last:
            self._act(stamp, lead=0)

    def _tick_in_real_time(self) -> None:
        if self._episode is not None:
            self._act(self.now(), lead=self.value('lead'))

    def _act(self, stamp: int, lead: int) -> None:
        """Take the tick's observation in; infer if a new chunk is due."""
        began = time.perf_counter()
        tick = round((stamp - self._start) / self.contract.period_ns)
        try:
            observation = self._builder.build(self._aligner.frame(stamp).values)
        except FrameError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=1.0)
            return
        self._last = stamp
        if tick < self._due:
            return
        self._swap()
        if self._policy is None:
            self.get_logger().warning('no weights yet: nothing to act with',
                                      throttle_duration_sec=2.0)
            return
        actions, extras = self._infer(observation)
        self._due = tick + len(actions)
        self._publish_chunk(stamp, tick + lead, actions, extras, time.perf_counter() - began)

    def _infer(self, observation: np.ndarray) -> tuple[np.ndarray, list[float]]:
        """Return a chunk (T, A) in contract units for an observation (O,), and its extras."""
        if self._memory is None:
            self._memory = self._policy.begin(1)
        with torch.inference_mode():
            decision = self._policy.decide(
                Observations(torch.from_numpy(observation)[None]), self._memory,
                self._generator, explore=self._episode.explore)
        chunk = decision.actions[0].numpy()
        if self._noise is not None:
            chunk = np.clip(chunk + self._noise.chunk(len(chunk)), -1.0, 1.0)
        return self.contract.denormalise_action(chunk), decision.extras[0].tolist()

    def _publish_chunk(
        self, stamp: int, first_tick: int, actions: np.ndarray, extras: list[float],
        seconds: float,
    ) -> None:
        self._durations.append(seconds)
        self._status.inferences += 1
        self._chunks.publish(ActionChunk(
            header=self.header(stamp), episode_id=self._episode.episode_id, first_tick=first_tick,
            period=self.contract.period, steps=actions.shape[0], size=actions.shape[1],
            actions=actions.ravel().tolist(), weights_version=self._status.weights_version,
            explored=self._episode.explore, extras=extras,
            inference_seconds=seconds))

    # Weights.

    def _offer(self, message: WeightsManifest) -> None:
        fields = (name for name in Manifest.__dataclass_fields__)
        try:
            self._assembler.offer(Manifest(**{name: getattr(message, name) for name in fields}))
        except WeightsRefused as error:
            self._refuse(f'version {message.version}: {error}')
            return
        self._first_piece = time.perf_counter()
        self._try_load()

    def _piece(self, message: PolicyWeights) -> None:
        self._assembler.add(
            message.run_id, message.version, message.chunk_index, message.offset,
            memoryview(message.data).tobytes())
        self._try_load()

    def _try_load(self) -> None:
        """Begin to load a version that is whole, if none is being loaded."""
        if self._standby is not None:
            return
        try:
            whole = self._assembler.take()
        except WeightsRefused as error:
            self._refuse(str(error))
            return
        if whole is not None:
            self._standby_manifest, content = whole
            self._received = time.perf_counter() - self._first_piece
            self._standby = self._loader.submit(self._load, self._standby_manifest, content)

    def _load(self, manifest: Manifest, content: bytes) -> tuple[Policy, float]:
        """Build and try a standby network; return it and how long that took."""
        began = time.perf_counter()
        tensors = from_bytes(content)
        if schema_hash(tensors) != manifest.schema_hash:
            raise WeightsRefused('names, shapes or types are not what the manifest says')
        policy = build_policy(manifest.model_config, tensors)
        self._probe(policy)
        return policy, time.perf_counter() - began

    def _probe(self, policy: Policy) -> None:
        """Infer once.

        Raises:
            WeightsRefused: Sizes that are not this robot's, or actions that aren't finite.
        """
        sizes = (policy.config.observation_size, policy.config.action_size)
        wanted = (self.contract.observation_size, self.contract.action_size)
        if sizes != wanted:
            raise WeightsRefused(f'sizes (O, A) are {sizes}, the contract has {wanted}')
        with torch.inference_mode():
            decision = policy.decide(Observations(torch.zeros(1, wanted[0])), policy.begin(1),
                                     torch.Generator().manual_seed(0), explore=False)
        if not torch.isfinite(decision.actions).all():
            raise WeightsRefused('the network gives actions that are not finite')

    def _swap(self) -> None:
        """Exchange the network if a verified one stands by. Never called within an inference."""
        if self._standby is None or not self._standby.done():
            return
        future, manifest = self._standby, self._standby_manifest
        self._standby = None
        try:
            policy, verified = future.result()
        except Exception as error:  # whatever is wrong with them, the robot goes on without them
            self._refuse(f'version {manifest.version}: {error}')
            return
        began = time.perf_counter()
        self._policy = policy
        self._assembler.applied(manifest)
        self._status.run_id = manifest.run_id
        self._status.weights_version = manifest.version
        self._status.receive_seconds = self._received
        self._status.verify_seconds = verified
        self._status.swap_seconds = time.perf_counter() - began
        self._publish_status()
        self._try_load()

    def _take_over(self, policy: Policy) -> None:
        """Use a policy from disk, after the same probe as one from the wire."""
        self._probe(policy)
        self._policy = policy

    def _refuse(self, reason: str) -> None:
        self._status.refused += 1
        self._status.refusal = reason
        self.get_logger().error(f'weights refused: {reason}')
        self._publish_status()

    def _publish_status(self) -> None:
        self._status.header = self.header(self.now())
        self._status.ready = self._policy is not None
        if self._durations:
            self._status.inference_seconds = median(self._durations)
            self._status.inference_seconds_worst = max(self._durations)
        self._statuses.publish(self._status)


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    return run(PolicyNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
