# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner: transitions in, interleaved RL and IL updates, refreshed weights out.

Everything it learns with is in ``learning.session``; this node turns messages into calls. Updates
run in short bursts between callbacks, in one thread, so that the order of what happens is the
order in which it came. A checkpoint is written now and then, in a thread of its own, and at the
end; the newest one that verifies is taken up again, and what came after it is asked for anew.

Several robots of one contract may feed one learner; each has its namespace (parameter `robots`).
"""

from collections import deque
import json
from pathlib import Path
import time
from typing import Any
from uuid import uuid4

from rclpy.clock import Clock, ClockType
from std_srvs.srv import Trigger
import torch
import yaml

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.learning.checkpoints import BackgroundWriter, CheckpointStore
from inril_ros.learning.policies.artifact import (
    load_policy,
    schema_hash,
    to_raw,
    write_folder,
)
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.msg import EpisodeEvent, LearnerStatus, PolicyStatus, Transition, TransitionAck
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.learner.demonstrations import learning_episode
from inril_ros.nodes.learner.robot_link import full_names, RobotLink
from inril_ros.nodes.learner.transition_messages import to_experience
from inril_ros.nodes.weights.dds_buffers import keep_bursts, sweep
from inril_ros.nodes.weights.sender import WeightsSender
from inril_ros.transport.folder_lock import FolderLock
from inril_ros.transport.journal.ledger import IngestLedgers, Verdict
from inril_ros.transport.weights.tensors import wire_tensors

PARAMETERS = (
    Parameter('config', '', 'path of the fine-tuning settings (YAML)'),
    Parameter('pretrained', '', 'folder of the cloned model to begin with'),
    Parameter('demonstrations', '', 'folder with the bags that it was cloned from'),
    Parameter('run_dir', '', 'folder for the model and the checkpoints'),
    Parameter('seed', 0, 'seed of everything random in the learner', minimum=0, maximum=2 ** 62),
    Parameter('device', 'auto', 'auto, cpu or cuda'),
    Parameter('robots', [''], "namespaces of the robots that it learns from, relative to its own; "
              "['']: one, in its own"),
    Parameter('synchronous', False,
              'learn between episodes only, from whole episodes: repeatable'),
    Parameter('publish_every', 100, 'RL updates between two versions of the weights',
              minimum=1, maximum=1_000_000),
    Parameter('checkpoint_seconds', 60.0, '[s] between two checkpoints',
              minimum=1.0, maximum=86400.0),
    Parameter('keep_checkpoints', 3, 'checkpoints that are kept', minimum=1, maximum=1000),
    Parameter('half_precision', False,
              'send matrices as bfloat16: half the bytes, 8 bits of precision'),
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
        self._lock = FolderLock(self._folder, 'learning')
        self._learner_id = str(uuid4())
        self._store = CheckpointStore(
            self._folder / 'checkpoints', self.value('keep_checkpoints'))
        self._writer = BackgroundWriter()
        self._session = self._build_session()
        names = full_names(self, self.value('robots'))
        if self.value('synchronous') and len(names) > 1:
            raise ValueError(f'synchronous is for one robot, and robots has {len(names)}: the '
                             'order in which experience of several comes is not repeatable')
        self._ledgers = IngestLedgers()
        # What each kept checkpoint has, of those that this process wrote, by robot.
        self._kept: deque[dict[str, int]] = deque(maxlen=self.value('keep_checkpoints'))
        self._logged: dict[str, float] = {}
        self._heldout = float('nan')
        self._rate = 0.0
        self._published_at = self._measured_at = -1
        self._sender = WeightsSender(self, self.run_id, self._learner_id, self.contract.hash,
                                     self.value('half_precision'), tuple(names))
        self._restore(next(iter(names.values())))
        self._saved = time.monotonic()
        self._robots = [
            RobotLink(self, robot, name, self._ledgers.of(name), self._take, self._heard)
            for robot, name in names.items()]
        self.require(*(endpoint for robot in self._robots for endpoint in robot.endpoints),
                     *self._sender.endpoints)
        self.create_service(Trigger, '~/save', self._save_service)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(0.001, self._learn, clock=steady)
        self.create_timer(0.5, self._measure, clock=steady)

    def start(self) -> None:
        """Send the first version: what it begins with."""
        self._publish()

    def stop(self) -> None:
        """Save everything."""
        self._save(wait=True)

    def teardown(self) -> None:
        """Let go of the run's folder."""
        if hasattr(self, '_writer'):
            self._writer.close()
        if hasattr(self, '_lock'):
            self._lock.release()

    def why_not_ready(self) -> str:
        """Say whose experience is refused, and why."""
        return '; '.join(f'{robot.name}: {robot.refusal}' for robot in self._robots
                         if robot.refusal) if self.configured else ''

    def _build_session(self) -> FineTuningSession:
        settings = yaml.safe_load(Path(self.value('config')).read_text(encoding='utf-8'))
        episodes = [learning_episode(read_episode(path, self.contract), self.contract)
                    for path in find_bags(Path(self.value('demonstrations')))]
        return FineTuningSession(
            SessionConfig.from_mapping(settings), load_policy(Path(self.value('pretrained'))),
            episodes, self.value('seed'), self.value('device'))

    # Experience.

    def _take(self, robot: RobotLink, message: Transition) -> None:
        """Take a transition in if it is the next one; acknowledge what is in."""
        robot.refusal = self._refusal(robot, message)
        if robot.refusal:
            return
        if robot.ledger.judge(message.sequence, message.previous_sequence) is Verdict.NEW:
            # What is repeatable must not depend on how fast transitions come: a learner that
            # takes up many of them at once learns between the same ones as it did before.
            if self.value('synchronous') and not self._session.open_episodes:
                while self._session.updates_due:
                    self._update()
            self._ingest(message)
            robot.ledger.take(message.sequence)
            if message.terminated or message.truncated:
                self._report()
        self._acknowledge(robot, message.run_id)

    def _refusal(self, robot: RobotLink, message: Transition) -> str:
        """Say, and log, why a transition is none of ours; empty if it is one."""
        log, reason = self.get_logger().error, ''
        # Two calls: each place is throttled by itself, and neither may hide the other.
        if self.run_id and message.run_id != self.run_id:
            reason = f'transition of run {message.run_id} refused: this is run {self.run_id}'
            log(f'{robot.name}: {reason}', throttle_duration_sec=1.0)
        elif message.contract_hash != self.contract.hash:
            reason = (f'transition refused: made under contract {message.contract_hash[:12]}, '
                      f'this is {self.contract.hash[:12]}')
            log(f'{robot.name}: {reason}', throttle_duration_sec=1.0)
        return reason

    def _acknowledge(self, robot: RobotLink, run_id: str) -> None:
        """Tell a robot up to where everything is in."""
        full = len(self._kept) == self._kept.maxlen
        robot.acknowledge(TransitionAck(
            header=self.header(self.now()), run_id=run_id,
            kept_sequence=self._kept[0].get(robot.name, 0) if full else 0))

    def _ingest(self, message: Transition) -> None:
        if message.outcome == EpisodeEvent.ABORTED:
            self._session.abandon(message.episode_id)
            return
        try:
            self._session.ingest(to_experience(message, self.contract))
        except ValueError as error:  # it would be no better if it came again
            self.get_logger().error(f'episode {message.episode_id} given up: {error}')
            self._session.abandon(message.episode_id)

    # Learning.

    def _learn(self) -> None:
        """Do what is due for a short while."""
        session = self._session
        if self.value('synchronous') and session.open_episodes:
            return
        began, done = time.monotonic(), 0
        while session.updates_due and time.monotonic() - began < self.value('burst'):
            self._update()
            done += 1
        if done:
            rate = done / (time.monotonic() - began)
            self._rate = rate if not self._rate else 0.95 * self._rate + 0.05 * rate
            if self.value('synchronous') and not session.updates_due:
                self._publish()
            if time.monotonic() - self._saved > self.value('checkpoint_seconds'):
                self._save()

    def _update(self) -> None:
        new = self._session.update()
        if 'alignment_pooled_t' in new:  # what the pool no longer says is not so any more
            self._logged = {name: value for name, value in self._logged.items()
                            if not name.startswith('alignment_')}
        self._logged.update(new)
        if self._session.rl_updates % self.value('publish_every') == 0:
            self._publish()

    def _publish(self) -> None:
        """Send the present weights, unless they were sent."""
        tensors, config, step = self._session.export()
        if step != self._published_at:
            self._published_at = step
            self._sender.send(wire_tensors(to_raw(tensors)), config, schema_hash(tensors), step)
            self._report()

    def _measure(self) -> None:
        """Measure what takes a moment, and report; send again what somebody lacks."""
        self._note_written()
        if self._sender.wants_all:
            self._published_at = -1
            self._publish()
        if self._session.rl_updates != self._measured_at:
            self._measured_at = self._session.rl_updates
            measured = self._session.heldout_il_loss()
            self._heldout = float('nan') if measured is None else measured
        self._report()
        # Unasked too: if this process came back with less, the recorder must hear of it even
        # though it has nothing new to send.
        for robot in self._robots:
            self._acknowledge(robot, self.run_id)

    def _heard(self, robot: RobotLink, message: PolicyStatus) -> None:
        """Number on from what acts: a restored checkpoint may be older than the last version."""
        if self._sender.on_policy_status(message, robot.namespace):
            self._published_at = -1
            self._publish()

    def _report(self) -> None:
        session, logged, nan = self._session, self._logged, float('nan')
        for robot in self._robots:
            robot.report(LearnerStatus(
                header=self.header(self.now()), run_id=self.run_id, device=str(session.device),
                transitions=session.transitions, env_steps=session.env_steps,
                rl_updates=session.rl_updates, il_updates=session.il_updates,
                updates_due=session.updates_due, ratio=logged.get('ratio', 0.0),
                rl_loss=logged.get('rl_loss', nan), il_loss=logged.get('il_loss', nan),
                heldout_il_loss=self._heldout, dose=logged.get('dose', 0.0),
                updates_per_second=self._rate, weights_version=self._sender.version,
                learner_id=self._learner_id, m=logged.get('m', nan),
                alignment=session.alignment_in_words, alignment_events=session.alignment_events,
                alignment_cosine=logged.get('alignment_pooled_cosine', logged.get(
                    'alignment_action_cosine', nan)),
                alignment_low=logged.get('alignment_pooled_low', nan),
                alignment_high=logged.get('alignment_pooled_high', nan),
                alignment_distinguishable=bool(logged.get('alignment_distinguishable', 0.0)),
                alignment_c_min=logged.get('alignment_c_min', nan),
                sign_conflict=logged.get('alignment_sign_conflict', nan)))

    # What survives.

    def _save(self, wait: bool = False) -> None:
        """Begin to write the checkpoint and the model, each all or nothing.

        Args:
            wait: Until they are on disk.
        """
        self._note_written(wait)
        if self._writer.busy:  # the disk is slow: the next time then
            return
        self._saved = time.monotonic()
        tensors, session = self._session.state_dict()
        model, config, _ = self._session.export()
        document = {
            'session': session, 'sequences': self._ledgers.sequences,
            'version': self._sender.version, 'run_id': self.run_id,
            'contract_hash': self.contract.hash}

        def write() -> None:
            self._store.save(tensors, document)
            write_folder(self._folder / 'model', model, {'model_config': json.loads(config)},
                         replace=True)

        self._writer.begin(write, document['sequences'])
        self._note_written(wait)

    def _note_written(self, wait: bool = False) -> None:
        """Take note of what has come to be on disk; one that can't be written costs itself."""
        try:
            written = self._writer.finished(wait)
        except OSError as error:
            self.get_logger().error(f'the checkpoint could not be written: {error}')
            return
        if written is not None:
            for robot in self._robots:
                robot.durable = written[robot.name]
            self._kept.append(written)

    def _restore(self, first: str) -> None:
        """Continue from the newest checkpoint that is whole.

        Args:
            first: The robot that a checkpoint is of which doesn't name any.

        Raises:
            ValueError: It belongs to another run or contract.
        """
        found = self._store.newest()
        for reason in self._store.damaged:
            self.get_logger().error(f'a checkpoint is damaged and put aside: {reason}')
        if found is None:  # the journal has everything from the beginning
            return
        document = found.document
        for key, ours in (('run_id', self.run_id), ('contract_hash', self.contract.hash)):
            if document[key] != ours:
                raise ValueError(f'{found.folder}: {key} is {document[key]}, this is {ours}')
        self._session.load_state_dict(found.tensors, document['session'])
        self._ledgers = IngestLedgers(
            document.get('sequences') or {first: document['sequence']})
        self._sender.version = document['version']
        taken = self._ledgers.sequences
        places = ', '.join(f'{number} of {name}' for name, number in taken.items())
        self.get_logger().info(
            f'continued at transition {places if len(taken) > 1 else [*taken.values()][0]}, '
            f'version {self._sender.version}: {json.dumps(self._counters())}')

    def _counters(self) -> dict[str, int]:
        return {'env_steps': self._session.env_steps, 'rl_updates': self._session.rl_updates}

    def _save_service(self, _: Any, response: Any) -> Any:
        self._publish()
        self._save(wait=True)
        response.success = all(robot.durable == robot.ledger.sequence for robot in self._robots)
        response.message = (str(self._folder) if response.success
                            else 'the checkpoint could not be written; the log says why')
        return response


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    sweep()
    keep_bursts()
    return run(LearnerNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
