# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner: transitions in, interleaved RL and IL updates, refreshed weights out.

The learning itself is in ``learning.session``; this node turns messages into calls. Updates run
in short bursts between callbacks, in one thread, so that events are handled in the order in which
they came. Checkpoints are written from time to time, in a thread of their own, and at the end. A
restarted learner continues from the newest one that verifies and requests what came after it.

Several robots of one contract may feed one learner; each has its namespace (parameter `robots`).
"""

from dataclasses import asdict, replace
import json
from pathlib import Path
import posixpath
import time
from typing import Any
from uuid import uuid4

from rclpy.clock import Clock, ClockType
from std_srvs.srv import Trigger
import torch

from inril_ros.learning.checkpoints import Checkpoint
from inril_ros.learning.policies.artifact import load_policy
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.stored.experience_store import ExperienceStore
from inril_ros.msg import LearnerStatus, PolicyStatus, Transition, TransitionAck
from inril_ros.nodes.base.diagnostics import Health
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.dds.shared_memory import keep_bursts, sweep
from inril_ros.nodes.learner.alignment_file import AlignmentFile
from inril_ros.nodes.learner.demonstrations import (
    heldout_demonstrations,
    read_demonstrations,
    rest_of_model,
)
from inril_ros.nodes.learner.ingestion import Ingestion
from inril_ros.nodes.learner.robot_connection import full_names, RobotConnection
from inril_ros.nodes.learner.run_checkpoints import is_whole, RunCheckpoints
from inril_ros.nodes.learner.session_file import read_session
from inril_ros.nodes.learner.version_publisher import VersionPublisher
from inril_ros.nodes.weights.sender import WeightsSender
from inril_ros.robot.time_spent import in_words, TimeSpent
from inril_ros.transport.folder_lock import FolderLock
from inril_ros.transport.journal.ledger import IngestLedgers, Verdict

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
    Parameter('reset_seconds', 10.0, '[s] time that a reset of the scene takes, for the minutes '
              'of robot and person in the diagnostics', minimum=0.0, maximum=3600.0),
    Parameter('burst', 0.03, '[s] of updates between two looks at the messages',
              minimum=0.001, maximum=1.0),
)


class LearnerNode(ManagedNode):
    """Runs one fine-tuning session on the experience that robots send."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('learner_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Build the session, continue from a checkpoint if there is one, make the topics."""
        torch.set_num_threads(1)
        self._folder = Path(self.value('run_dir'))
        self._lock = FolderLock(self._folder, 'learning')
        self._learner_id = str(uuid4())
        self._alignment = AlignmentFile(self._folder)
        self._checkpoints = RunCheckpoints(
            self._folder, self.value('keep_checkpoints'),
            {'run_id': self.run_id, 'contract_hash': self.contract.hash})
        found = self._checkpoints.newest()
        for reason in self._checkpoints.damaged:
            self.get_logger().error(f'a checkpoint is damaged and put aside: {reason}')
        for reason in self._checkpoints.unreadable:
            self.get_logger().error(f'a checkpoint cannot be read and is left as it is: {reason}')
        self._session, self._heldout = self._build_session(
            None if found and is_whole(found) else self._checkpoints.experience)
        names = full_names(self, self.value('robots'))
        if self.value('synchronous') and len(names) > 1:
            raise ValueError(f'synchronous is for one robot, and robots has {len(names)}: the '
                             'order in which experience of several comes is not repeatable')
        self._ledgers = IngestLedgers()
        self._ingestion = Ingestion(self, self._session, self._learn_in_turn)
        self._rate = 0.0
        sender = WeightsSender(self, self.run_id, self._learner_id, self.contract.hash,
                               self.value('half_precision'), tuple(names))
        # Without a checkpoint the journal has everything from the beginning.
        sender.version = self._restore(found, next(iter(names.values()))) if found else 0
        self._versions = VersionPublisher(self._session, sender)
        self._saved = time.monotonic()
        self._robots = [
            RobotConnection(self, robot, name, self._ledgers.of(name), self._on_transition,
                            self._acknowledge, self._on_policy_status)
            for robot, name in names.items()]
        self.require(*(endpoint for robot in self._robots for endpoint in robot.endpoints),
                     *sender.endpoints)
        self.sole_publishers.expect(*(
            posixpath.join(robot, topic) for robot in names
            for topic in ('transition', 'policy/status')))
        self.create_service(Trigger, '~/save', self._save_service)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(0.001, self._learn, clock=steady)
        self.create_timer(0.5, self._measure, clock=steady)

    def start(self) -> None:
        """Publish the first version: the weights that learning begins with."""
        self._publish()

    def stop(self) -> None:
        """Write a checkpoint of everything."""
        self._save(wait=True)

    def teardown(self) -> None:
        """Release the run's folder."""
        if hasattr(self, '_checkpoints'):
            self._checkpoints.close()
        if hasattr(self, '_alignment'):
            self._alignment.close()
        if hasattr(self, '_lock'):
            self._lock.release()

    def why_not_ready(self) -> str:
        """Return which robots' experience is refused, and why."""
        return '; '.join(f'{robot.name}: {robot.refusal}' for robot in self._robots
                         if robot.refusal) if self.configured else ''

    def health(self) -> Health:
        """Return the node's state, with what learning has cost so far."""
        health = super().health()
        if not hasattr(self, '_versions'):
            return health
        spent, cut = self._time_spent(), self._session.longest_episode
        return replace(health, details={
            **health.details, 'time spent': in_words(spent.to_json()),
            **{name.replace('_', ' '): f'{value:.2f}' for name, value in spent.minutes.items()},
            'longest episode of learning [ticks]': str(cut or self.contract.time_limit_ticks),
            'episodes removed from the replay': str(self._session.host.removed),
            **{f'{robot.name}: {name}': value for robot in self._robots
               for name, value in robot.account.items()}})

    def _time_spent(self) -> TimeSpent:
        session, came = self._session, self._session.intake
        return TimeSpent(
            self.contract.control_rate, self.value('reset_seconds'),
            came.env_steps + came.forgotten_steps, came.resets, came.person_steps,
            len(session.demonstrated), sum(session.demonstrated))

    def _build_session(
            self, store: ExperienceStore | None) -> tuple[FineTuningSession, list[str]]:
        """Return a new session, and the names of the demonstrations that it holds out."""
        pretrained = Path(self.value('pretrained'))
        self._rest = rest_of_model(pretrained)
        episodes = read_demonstrations(Path(self.value('demonstrations')), self.contract,
                                       self.get_logger().warning, self._rest)
        names = list(episodes)
        heldout = heldout_demonstrations(pretrained, names)
        session = FineTuningSession(
            read_session(self.value('config')),
            load_policy(pretrained, rotations=bool(self.contract.former_hash)),
            list(episodes.values()), self.value('seed'), self.value('device'), heldout, store)
        return session, [names[index] for index in heldout]

    def _restore(self, found: Checkpoint, first_robot: str) -> int:
        """Continue from a checkpoint; return its version.

        Args:
            found: The checkpoint.
            first_robot: The robot of checkpoints that were written before robots were named.

        Raises:
            ValueError: The checkpoint does not fit the session.
        """
        document = found.document

        def progress(done: int, of: int) -> None:
            self.get_logger().info(f'read {done} of {of} episodes that the checkpoint refers to',
                                   throttle_duration_sec=5.0)

        for reason in self._checkpoints.restore(found, self._session, progress):
            self.get_logger().error(f'experience is damaged and no longer learned from: {reason}')
        self._ledgers = IngestLedgers(
            document.get('sequences') or {first_robot: document['sequence']})
        sequences = self._ledgers.sequences
        places = ', '.join(f'{number} of {name}' for name, number in sequences.items())
        counters = {'env_steps': self._session.env_steps, 'rl_updates': self._session.rl_updates}
        self.get_logger().info(
            f'continued at transition {places if len(sequences) > 1 else [*sequences.values()][0]}'
            f', version {document["version"]}: {json.dumps(counters)}')
        return document['version']

    # ---- experience ------------------------------------------------------------------------

    def _on_transition(self, robot: RobotConnection, message: Transition) -> None:
        """Take a transition if it is the next one."""
        verdict = self._ingestion.receive(robot, message)
        if verdict is Verdict.NEW and (message.terminated or message.truncated):
            self._report()

    def _learn_in_turn(self) -> None:
        """Take the updates that are due if the results must not depend on speed.

        A restarted learner that gets many transitions at once then learns between the same ones
        as before.
        """
        if self.value('synchronous') and not self._session.intake.open_episodes:
            while self._session.updates_due:
                self._update()

    def _acknowledge(self, robot: RobotConnection) -> None:
        robot.acknowledge(TransitionAck(
            header=self.header(self.now()), run_id=self.run_id or robot.run_id,
            kept_sequence=self._checkpoints.kept_sequence(robot.name)))

    # ---- learning --------------------------------------------------------------------------

    def _learn(self) -> None:
        """Take the updates that are due, for a short while."""
        session = self._session
        if self.value('synchronous') and session.intake.open_episodes:
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
        self._alignment.add(self._session.update())
        if self._session.rl_updates % self.value('publish_every') == 0:
            self._publish()

    def _publish(self) -> None:
        if self._versions.publish():
            self._report()

    def _on_policy_status(self, robot: RobotConnection, message: PolicyStatus) -> None:
        if self._versions.on_policy_status(message, robot.namespace):
            self._report()

    def _measure(self) -> None:
        """Measure the held-out loss, which takes a moment, and report."""
        self._note_written()
        self._versions.publish_if_requested()
        self._session.measure_heldout()
        self._report()
        # Unasked too: if this process came back with less, the recorder must learn that even if
        # it has nothing new to send.
        for robot in self._robots:
            self._acknowledge(robot)

    def _report(self) -> None:
        metrics = asdict(self._session.metrics)
        for robot in self._robots:
            robot.report(LearnerStatus(
                header=self.header(self.now()), run_id=self.run_id, learner_id=self._learner_id,
                device=str(self._session.device), updates_per_second=self._rate,
                weights_version=self._versions.version, **metrics))

    # ---- checkpoints -----------------------------------------------------------------------

    def _save(self, wait: bool = False) -> None:
        """Begin to write a checkpoint and the model; wait until they are on disk if asked to."""
        self._note_written(wait)
        if self._checkpoints.busy:  # the disk is slow: try again later
            return
        self._saved = time.monotonic()
        self._checkpoints.begin(self._session, self._ledgers.sequences, self._versions.version,
                                self._heldout, self._rest.to_json())
        self._note_written(wait)

    def _note_written(self, wait: bool = False) -> None:
        """Note which transitions are durable now; a failed checkpoint is logged and left out."""
        try:
            written = self._checkpoints.finished(wait)
        except OSError as error:
            self.get_logger().error(f'the checkpoint could not be written: {error}')
            return
        damaged = self._checkpoints.experience.take_damaged()
        self._session.forget(damaged.keys())
        for reason in damaged.values():
            self.get_logger().error(f'experience is damaged and no longer learned from: {reason}')
        if written is not None:
            for robot in self._robots:
                robot.durable = written[robot.name]

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
