# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The policy: an observation at the tick in, an action chunk out, and new weights meanwhile.

Weights are verified, loaded into a standby network and tried on demonstrated frames in a thread of
their own, and swapped between two inferences: an episode never waits for weights, and no
half-loaded network ever acts. The gate decides which version acts.
"""

from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
import torch

from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.learning.exploration import ExplorationNoise
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.policy import Memory
from inril_ros.learning.policies.trial import trial_frames
from inril_ros.msg import ActionChunk, EpisodeEvent, EpisodeRequest, PolicyStatus
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.belonging import check_ours
from inril_ros.nodes.base.diagnostics import Health
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_bounds import MOST_TICKS
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.base.refused_messages import MOST_TEXT
from inril_ros.nodes.cameras.view_guard import ViewGuard
from inril_ros.nodes.learner.demonstrations import read_demonstrations
from inril_ros.nodes.learner.session_file import exploration_of
from inril_ros.nodes.policy.episode_streams import EpisodeStreams
from inril_ros.nodes.weights import acting_versions
from inril_ros.nodes.weights.acting_versions import ActingVersions
from inril_ros.nodes.weights.policy_trial import PolicyTrial
from inril_ros.nodes.weights.receiver import WeightsReceiver
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.robot.messages.images import policy_view
from inril_ros.robot.timing.inference_timing import InferenceTiming

PARAMETERS = (
    Parameter('model', '', 'folder of the first model; empty: wait for weights'),
    Parameter('lead', 1, 'ticks between an observation and the first step of its chunk, in real '
              'time: room for the inference', minimum=0, maximum=50),
    Parameter('exploration_scale', -1.0, 'standard deviation of the exploration noise, as a share '
              'of the largest action; negative: what the host in finetune_config explores with',
              minimum=-1.0, maximum=1.0),
    Parameter('finetune_config', '', 'path of the settings of fine-tuning (YAML); empty: no noise '
              'but that of exploration_scale'),
    Parameter('demonstrations', '', 'folder of demonstration bags on whose frames new '
              'weights are tried; empty: none'),
    Parameter('probe_frames', 16, 'number of frames that new weights are tried on', minimum=1,
              maximum=1000),
    Parameter('probe_limit', 1.0, 'largest accepted root mean square change of normalised actions '
              'from one version to the next; 0: no limit', minimum=0.0, maximum=2.0),
) + acting_versions.PARAMETERS
_REFUSALS = 0.1  # [s] shortest time between two statuses because of refusals


class PolicyNode(ManagedNode):
    """Infers chunks, and keeps the weights up to date."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('policy_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Load the model, and make publishers and subscriptions."""
        torch.set_num_threads(1)
        contract = self.contract
        trial = PolicyTrial(contract, self._read_frames(), self.value('probe_limit'),
                            lambda: self._versions.acting)
        self._versions = ActingVersions(
            self, trial.load_from_disk(Path(self.value('model'))) if self.value('model') else None)
        self._receiver = WeightsReceiver(
            self, self.run_id, contract.hash, trial.load, self._on_refused,
            self._versions.on_learner_status, self._swap)
        self._versions.use_receiver(self._receiver)
        self.sole_publishers.expect('weights/manifest', 'weights/pieces', 'learner/status')
        self._aligner = FrameAligner(contract, images=True)
        self._builder = ObservationBuilder(contract)
        self._views = ViewGuard(
            self, self.value('model'), 'the model is in no run with reference views')
        self._status = PolicyStatus(run_id='')
        self._refusal_published = float('-inf')
        self._exploration = exploration_of(
            self.value('exploration_scale'), self.value('finetune_config'))
        self._durations: deque[float] = deque(maxlen=200)
        self._episode: EpisodeEvent | None = None
        self._helped = False  # a person took over in the episode
        self._start = self._last = 0
        self._unseen = ''
        self._lead = 0 if self.lockstep else self.value('lead')
        self._timing = InferenceTiming(contract.period, self._lead, paced=not self.lockstep)
        self._chunks = self.create_publisher(ActionChunk, 'action_chunk', qos.RECORD)
        self._statuses = self.create_publisher(PolicyStatus, 'policy/status', qos.STATE)
        self.require(
            self.create_subscription(EpisodeEvent, 'episode/event', self._on_event, qos.EVENT),
            self._chunks)
        self._streams = EpisodeStreams(
            self, self.subscribe_observations(self._aligner, self._advance_if_lockstep),
            self._tick_in_real_time)
        self.create_timer(
            1.0, self._look_around, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._publish_status()

    def why_not_ready(self) -> str:
        """Return whether there are no weights to act with, or a camera is not where it was."""
        return self._views.refusal if self._versions.acting is not None else 'no weights yet'

    def health(self) -> Health:
        """Return the node's state, with what is to be looked at in the cameras."""
        health = super().health()
        warning = self._views.warning if self.configured else ''
        return replace(health, details={**health.details, 'cameras': warning}) if warning \
            else health

    def hold_reasons(self) -> tuple[str, ...]:
        """Return why there is no observation to act on, while an episode runs."""
        return (self._unseen,) if self._unseen and self._episode is not None else ()

    def teardown(self) -> None:
        """End the thread that loads weights."""
        if hasattr(self, '_receiver'):
            self._receiver.close()

    # Episodes and observations.

    def _on_event(self, message: EpisodeEvent) -> None:
        check_ours(self, message)
        if message.purpose == EpisodeRequest.DEMONSTRATION:
            return
        if message.event == EpisodeEvent.STARTED:
            self._episode, self._helped = message, False
            self._start = stamp_ns(message)
            self._last = self._start - 1
            self._timing.begin()
            self._newest: tuple[Frame, np.ndarray] | None = None
            self._builder.begin()
            self._views.begin()
            self._generator = torch.Generator().manual_seed(message.seed)
            self._memory: Memory | None = None
            self._noise = ExplorationNoise(
                self._exploration, self.contract.action_size, message.seed
            ) if message.explore and self._exploration is not None else None
            self._streams.begin()
            self._advance_if_lockstep()
        elif message.event in (EpisodeEvent.RESETTING, EpisodeEvent.ENDED):
            if message.event == EpisodeEvent.RESETTING:
                self._versions.on_episode_begin(message)
                self._streams.prepare()
            if message.event == EpisodeEvent.ENDED and self._episode is not None \
                    and message.episode_id == self._episode.episode_id:
                self._versions.on_episode_end(message, self._helped)
                self._publish_status()
            if message.event == EpisodeEvent.ENDED:
                self._streams.rest()
            self._episode = None
        elif message.event == EpisodeEvent.TAKEN_OVER:
            self._helped = True
            self._timing.pause()
        elif message.event == EpisodeEvent.HANDED_BACK and self._episode is not None:
            self._timing.replan(message.tick)
            self._memory = None  # its plan is void
            if self.lockstep and self._newest is not None:  # the observation may have come already
                self._infer_if_due(*self._newest)

    def _advance_if_lockstep(self) -> None:
        """Act on a new observation if it is complete."""
        if not self.lockstep or self._episode is None:
            return
        stamp = self._aligner.newest_complete()
        if stamp > self._last:
            self._act(stamp)

    def _tick_in_real_time(self) -> None:
        if self._episode is not None:
            self._act(self.now())

    def _act(self, stamp: int) -> None:
        """Add the tick's observation; infer if a new chunk is due."""
        try:
            # In lockstep a frame that is late never becomes a valid one, and its tick never ends.
            frame = self._aligner.frame(stamp) if self.lockstep \
                else self._aligner.late_frame(stamp)
            observation = self._builder.build(frame.values)
            if frame.late:
                raise FrameError(frame.late)
            refused = self._views.refuses(frame.images)
        except ValueError as error:  # whatever the messages hold: without a chunk the arm is held
            self._unseen = '; '.join([str(error), *self._aligner.rejections.lines()])
            self.get_logger().warning(self._unseen, throttle_duration_sec=1.0)
            return
        self._last, before, self._unseen = stamp, self._unseen, refused
        if refused:
            if refused != before:  # before the episode ends: no other one must begin
                self._publish_status()
            self._views.abort()
            return
        self._newest = frame, observation
        self._infer_if_due(frame, observation)

    def _infer_if_due(self, frame: Frame, observation: np.ndarray) -> None:
        began = time.perf_counter()
        tick = round((frame.stamp - self._start) / self.contract.period_ns)
        if tick > MOST_TICKS:  # the event that began the episode had a wrong stamp
            self._unseen = f'tick {tick} of an episode: it began with a wrong stamp'
            self.get_logger().error(self._unseen, throttle_duration_sec=2.0)
            return
        if not self._timing.is_due(tick):
            return
        self._swap()
        if self._versions.acting is None:
            self.get_logger().warning('the policy has no weights yet and cannot act',
                                      throttle_duration_sec=2.0)
            return
        if self._versions.too_old():
            self.get_logger().error('the weights are too old to act: the arm holds',
                                    throttle_duration_sec=2.0)
            return
        try:
            images = policy_view(frame.images, self.contract) if frame.images else None
        except ValueError as error:
            self._unseen = str(error)
            self.get_logger().warning(self._unseen, throttle_duration_sec=1.0)
            return
        actions, extras = self._infer(observation, images)
        self._publish_chunk(
            frame.stamp, tick + self._lead, actions, extras, time.perf_counter() - began)
        since = self.now() - self._start - tick * self.contract.period_ns
        self._timing.inferred(tick, len(actions), since / 1e9)

    def _infer(
        self, observation: np.ndarray, images: np.ndarray | None,
    ) -> tuple[np.ndarray, list[float]]:
        """Return a chunk (T, A) in contract units, and its extras.

        Args:
            observation: (O,) Policy observation.
            images: (C, H, W, 3) uint8 camera images, or None.
        """
        policy = self._versions.acting.product.policy
        if self._memory is None:
            self._memory = policy.begin(1)
        with torch.inference_mode():
            decision = policy.decide(
                Observations.from_arrays(
                    observation[None], None if images is None else images[None], 'cpu'),
                self._memory, self._generator, explore=self._episode.explore)
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
            actions=actions.ravel().tolist(), weights_version=self._versions.acting.version,
            explored=self._episode.explore, extras=extras,
            inference_seconds=seconds))

    # Weights.

    def _read_frames(self) -> Observations | None:
        """Return the frames that new weights are tried on; None without demonstrations."""
        if not self.value('demonstrations'):
            return None
        episodes = read_demonstrations(Path(self.value('demonstrations')), self.contract,
                                       self.get_logger().warning)
        return trial_frames(list(episodes.values()), self.value('probe_frames'))

    def _swap(self) -> None:
        """Swap the network if a verified one is ready; never call it within an inference."""
        if self._versions.swap():
            self._publish_status()

    def _on_refused(self, reason: str) -> None:
        """Count a refusal; a flood of them neither fills the log nor is passed on."""
        self._status.refused += 1
        self._status.refusal = reason[:MOST_TEXT]
        self.refused.add('weights', reason)
        now = time.monotonic()
        if now - self._refusal_published >= _REFUSALS:  # else the next regular status has it
            self._refusal_published = now
            self._publish_status()

    def _look_around(self) -> None:
        self._streams.look()
        if self._episode is None:
            self._views.look_again(self._aligner)
        self._swap()  # an operator may have unpinned
        self._publish_status()

    def _publish_status(self) -> None:
        self._status.header = self.header(self.now())
        self._versions.fill(self._status)
        self._status.ready = not self.why_not_ready()
        self._status.refused_version = self._receiver.refused_version
        if self._durations:
            self._status.inference_seconds = median(self._durations)
            self._status.inference_seconds_worst = max(self._durations)
        self._statuses.publish(self._status)


main = partial(run, PolicyNode, PARAMETERS, __doc__)

if __name__ == '__main__':
    raise SystemExit(main())
