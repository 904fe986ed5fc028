# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner: transitions in, interleaved RL and IL updates, refreshed weights out.

Everything it learns with is in ``learning.session``; this node turns messages into calls. Updates
run in short bursts between callbacks, in one thread, so that the order of what happens is the
order in which it came. A checkpoint is written now and then and at the end, and taken up again.
"""

import json
from pathlib import Path
import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from std_srvs.srv import Trigger
import torch
import yaml

from inril_ros.data.bags import find_bags, read_episode
from inril_ros.learning.experience import Transition as Experience
from inril_ros.learning.policies.artifact import (
    load_policy,
    read_folder,
    save_policy,
    schema_hash,
    to_bytes,
    write_folder,
)
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.msg import (
    EpisodeEvent,
    ExecutedAction,
    LearnerStatus,
    PolicyStatus,
    PolicyWeights,
    Transition,
    TransitionAck,
    WeightsManifest,
)
from inril_ros.nodes import qos
from inril_ros.nodes.demonstrations import learning_episode
from inril_ros.nodes.managed_node import ManagedNode, run
from inril_ros.nodes.parameters import Parameter
from inril_ros.transport.weights import chunk_count, content_hash, cut

PARAMETERS = (
    Parameter('config', '', 'path of the fine-tuning settings (YAML)'),
    Parameter('pretrained', '', 'folder of the cloned model to begin with'),
    Parameter('demonstrations', '', 'folder with the bags that it was cloned from'),
    Parameter('run_dir', '', 'folder for the model and the checkpoint'),
    Parameter('seed', 0, 'seed of everything random in the learner', minimum=0, maximum=2 ** 62),
    Parameter('device', 'auto', 'auto, cpu or cuda'),
    Parameter('synchronous', False,
              'learn between episodes only, from whole episodes: repeatable'),
    Parameter('publish_every', 100, 'RL updates between two versions of the weights',
              minimum=1, maximum=1_000_000),
    Parameter('checkpoint_seconds', 60.0, '[s] between two checkpoints',
              minimum=1.0, maximum=86400.0),
    Parameter('burst', 0.03, '[s] of updates between two looks at the messages',
              minimum=0.001, maximum=1.0),
)


class LearnerNode(ManagedNode):
    """One fine-tuning session on the wire."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('learner_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Build the session, take up a checkpoint if there is one, make the streams."""
        torch.set_num_threads(1)
        self._folder = Path(self.value('run_dir'))
        self._session = self._build_session()
        self._sequence = 0
        self._version = 0
        self._duplicates = 0
        self._logged: dict[str, float] = {}
        self._heldout = float('nan')
        self._rate = 0.0
        self._published_at = self._measured_at = -1
        self._restore()
        self._saved = time.monotonic()
        self._pieces = self.create_publisher(PolicyWeights, 'weights/pieces', qos.WEIGHTS)
        self._manifests = self.create_publisher(
            WeightsManifest, 'weights/manifest', qos.MANIFEST)
        self._statuses = self.create_publisher(LearnerStatus, 'learner/status', qos.STATE)
        self._acks = self.create_publisher(TransitionAck, 'transition_ack', qos.EXPERIENCE)
        self.need(
            self.create_subscription(Transition, 'transition', self._take, qos.EXPERIENCE),
            self._acks, self._pieces, self._manifests)
        self.create_subscription(PolicyStatus, 'policy/status', self._heard, qos.STATE)
        self.create_service(Trigger, '~/save', self._save_service)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(0.001, self._learn, clock=steady)
        self.create_timer(0.5, self._measure, clock=steady)

    def start(self) -> None:
        """Send the first version: what it begins with."""
        self._publish()

    def stop(self) -> None:
        """Save everything."""
        self._save()

    def _build_session(self) -> FineTuningSession:
        settings = yaml.safe_load(Path(self.value('config')).read_text(encoding='utf-8'))
        episodes = [learning_episode(read_episode(path, self.contract), self.contract)
                    for path in find_bags(Path(self.value('demonstrations')))]
        return FineTuningSession(
            SessionConfig.from_mapping(settings), load_policy(Path(self.value('pretrained'))),
            episodes, self.value('seed'), self.value('device'))

    # Experience.

    def _take(self, message: Transition) -> None:
        """Take a transition in if it is the next one; acknowledge what is in."""
        if self.run_id and message.run_id != self.run_id:
            self.get_logger().error(f'transition of run {message.run_id} refused: this is run '
                                    f'{self.run_id}', throttle_duration_sec=1.0)
            return
        if message.contract_hash != self.contract.hash:
            self.get_logger().error(
                f'transition refused: made under contract {message.contract_hash[:12]}, this is '
                f'{self.contract.hash[:12]}', throttle_duration_sec=1.0)
            return
        if message.sequence == self._sequence + 1:
            self._ingest(message)
            self._sequence = message.sequence
            if message.terminated or message.truncated:
                self._report()
        elif message.sequence <= self._sequence:
            self._duplicates += 1
        self._acknowledge(message.run_id)

    def _acknowledge(self, run_id: str) -> None:
        """Tell up to where everything is in."""
        self._acks.publish(TransitionAck(
            header=self.header(self.now()), run_id=run_id, sequence=self._sequence))

    def _ingest(self, message: Transition) -> None:
        if message.outcome == EpisodeEvent.ABORTED:
            self._session.abandon(message.episode_id)
            return
        steps, size = message.steps, message.observation_size
        source = np.array(message.source, np.uint8)
        self._session.ingest(Experience(
            episode_id=message.episode_id, first_tick=message.first_tick,
            observations=np.array(message.observations, np.float32).reshape(steps + 1, size),
            actions=self.contract.normalise_action(
                np.array(message.executed, np.float32).reshape(steps, message.action_size)),
            rewards=np.array(message.rewards, np.float32), source=source,
            intervened=source == ExecutedAction.TELEOP,
            extras=np.array(message.extras, np.float32), terminated=message.terminated,
            truncated=message.truncated, success=message.outcome == EpisodeEvent.SUCCESS))

    # Learning.

    def _learn(self) -> None:
        """Do what is due for a short while."""
        session = self._session
        if self.value('synchronous') and session.open_episodes:
            return
        began, done = time.monotonic(), 0
        while session.updates_due and time.monotonic() - began < self.value('burst'):
            self._logged.update(session.update())
            done += 1
            if session.rl_updates % self.value('publish_every') == 0:
                self._publish()
        if done:
            rate = done / (time.monotonic() - began)
            self._rate = rate if not self._rate else 0.95 * self._rate + 0.05 * rate
            if self.value('synchronous') and not session.updates_due:
                self._publish()
            if time.monotonic() - self._saved > self.value('checkpoint_seconds'):
                self._save()

    def _publish(self) -> None:
        """Send the present weights as a new version: pieces first, then the manifest."""
        tensors, config, step = self._session.export()
        if step == self._published_at:
            return
        self._published_at = step
        self._version += 1
        content = to_bytes(tensors)
        header = self.header(self.now())
        for index, (offset, piece) in enumerate(cut(content)):
            message = PolicyWeights(
                header=header, run_id=self.run_id, version=self._version, chunk_index=index,
                chunk_count=chunk_count(len(content)), offset=offset)
            message.data.frombytes(piece)
            self._pieces.publish(message)
        self._manifests.publish(WeightsManifest(
            header=header, run_id=self.run_id, version=self._version,
            parent_version=self._version - 1, learner_step=step, format='safetensors',
            model_config=config, schema_hash=schema_hash(tensors),
            content_hash=content_hash(content), contract_hash=self.contract.hash,
            total_size=len(content), chunk_count=chunk_count(len(content))))
        self._report()

    def _measure(self) -> None:
        """Measure what takes a moment, and report."""
        if self._session.rl_updates != self._measured_at:
            self._measured_at = self._session.rl_updates
            measured = self._session.heldout_il_loss()
            self._heldout = float('nan') if measured is None else measured
        self._report()
        # Unasked too: if this process came back with less, the recorder must hear of it even
        # though it has nothing new to send.
        self._acknowledge(self.run_id)

    def _heard(self, message: PolicyStatus) -> None:
        """Number on from what acts: a restored checkpoint may be older than the last version."""
        if message.run_id == self.run_id and message.weights_version > self._version:
            self._version, self._published_at = message.weights_version, -1
            self._publish()

    def _report(self) -> None:
        session, logged = self._session, self._logged
        self._statuses.publish(LearnerStatus(
            header=self.header(self.now()), run_id=self.run_id, device=str(session.device),
            transitions=session.transitions, duplicates=self._duplicates, sequence=self._sequence,
            env_steps=session.env_steps, rl_updates=session.rl_updates,
            il_updates=session.il_updates, updates_due=session.updates_due,
            ratio=logged.get('ratio', 0.0), rl_loss=logged.get('rl_loss', float('nan')),
            il_loss=logged.get('il_loss', float('nan')), heldout_il_loss=self._heldout,
            dose=logged.get('dose', 0.0), updates_per_second=self._rate,
            weights_version=self._version))

    # What survives.

    def _save(self) -> None:
        """Write the model and the checkpoint, each all or nothing."""
        self._saved = time.monotonic()
        tensors, document = self._session.state_dict()
        write_folder(self._folder / 'checkpoint', tensors, {
            'session': document, 'sequence': self._sequence, 'version': self._version,
            'run_id': self.run_id, 'contract_hash': self.contract.hash}, replace=True)
        save_policy(self._folder / 'model', self._session.policy, replace=True)

    def _restore(self) -> None:
        """Continue from a checkpoint.

        Raises:
            ValueError: It is damaged, or belongs to another run or contract.
        """
        folder = self._folder / 'checkpoint'
        if not folder.exists():
            return
        tensors, document = read_folder(folder)
        for key, ours in (('run_id', self.run_id), ('contract_hash', self.contract.hash)):
            if document[key] != ours:
                raise ValueError(f'{folder}: {key} is {document[key]}, this is {ours}')
        self._session.load_state_dict(tensors, document['session'])
        self._sequence, self._version = document['sequence'], document['version']
        self.get_logger().info(f'continued at transition {self._sequence}, '
                               f'version {self._version}: {json.dumps(self._counters())}')

    def _counters(self) -> dict[str, int]:
        return {'env_steps': self._session.env_steps, 'rl_updates': self._session.rl_updates}

    def _save_service(self, _: Any, response: Any) -> Any:
        self._publish()
        self._save()
        response.success = True
        response.message = str(self._folder)
        return response


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    return run(LearnerNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
