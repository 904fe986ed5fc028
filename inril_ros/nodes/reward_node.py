# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sees success in the cameras of the policy, and says so: a verdict that ends the episode.

The classifier is that of ``inril reward train``. It gets the images of each tick through the same
alignment as the policy. Each episode is noted with what was true, as far as a simulator or a
person told; once too many were falsely called a success, the node says no more until it is told to
count anew.
"""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType
from std_msgs.msg import Float64
from std_srvs.srv import Trigger
import torch

from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.data.record_files import JsonLines, read_record
from inril_ros.data.run.judge_record import (
    false_successes,
    JudgedByClassifier,
    read_judged,
    why_distrusted,
    WINDOW,
)
from inril_ros.learning.judge.judge import load_judge
from inril_ros.msg import EpisodeEvent, Outcome
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.belonging import check_ours
from inril_ros.nodes.base.diagnostics import DiagnosticStatus, Health, KeyValue
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.base.verdicts import classifier_topic, JUDGE_STATUS, TRUTH_TOPIC
from inril_ros.nodes.policy.episode_streams import EpisodeStreams
from inril_ros.nodes.reward.watched_episode import WatchedEpisode
from inril_ros.robot.episode import EpisodeOutcome, Purpose
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.robot.messages.images import policy_view

PARAMETERS = (
    Parameter('judge', '', 'folder of the classifier (RUN/judge/model)'),
    Parameter('record', '', 'file to which each judged episode is added, as a line of JSON; '
              'empty: none'),
    Parameter('truth', False, 'a simulator publishes whether the task is done, on the topic '
              'truth, as it always does in lockstep: errors are counted by that'),
    Parameter('bound', 0.1, 'share of episodes that may falsely be called a success; beyond it '
              'nothing is judged any more', minimum=0.0, maximum=1.0),
)
_PURPOSES = {purpose.value: purpose.name.lower() for purpose in Purpose}
_DECIDED = (EpisodeOutcome.SUCCESS, EpisodeOutcome.FAILURE, EpisodeOutcome.TIME_LIMIT)
_TO_DO = ('; look at what it saw (inril reward label), train it again with such episodes '
          '(inril reward train), or let a person judge')
_MOST_TRUTHS = 1000  # that wait for their observations


class RewardNode(ManagedNode):
    """A classifier as the judge of episodes."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('reward_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Load the classifier, and make publishers and subscriptions."""
        torch.set_num_threads(1)
        contract, folder = self.contract, Path(self.value('judge'))
        if not self.value('judge'):
            raise ValueError('the parameter judge must name the folder of a classifier '
                             '(inril reward train)')
        self._model = load_judge(folder, contract.hash, list(contract.policy_cameras))
        self._hash = read_record(folder / 'model.json')['content_hash']
        self._told = self.value('truth') or self.lockstep
        self._record = Path(self.value('record')) if self.value('record') else None
        self._rows = [row for row in read_judged(self._record) if row.judge == self._hash] \
            if self._record else []
        self._look_at_errors()
        self._aligner = FrameAligner(contract, images=True)
        self._last = 0  # [ns] stamp of the last observation
        self._truths: dict[int, bool] = {}  # in lockstep, by the stamps that aren't judged yet
        self._running = self._published = False
        self._images: tuple[bytes, ...] = ()
        self._watched = self._before = WatchedEpisode(self._model.rule, self._told)
        self._unseen = ''
        self._verdicts = self.create_publisher(
            Outcome, classifier_topic(contract, self.lockstep), qos.LOCKSTEP)
        if contract.episode.veto and self.lockstep:
            self.get_logger().warning('nobody can overrule a verdict in lockstep: each counts at '
                                      'once, whatever episode.veto is')
        self._probabilities = self.create_publisher(Float64, 'judge/probability', qos.RECORD)
        self._statuses = DiagnosticStatus and self.create_publisher(
            DiagnosticStatus, JUDGE_STATUS, qos.STATE)
        self.create_service(Trigger, '~/count_anew', self._count_anew)
        if self._told:
            self.require(self.create_subscription(
                Outcome, TRUTH_TOPIC, self._on_truth, qos.LOCKSTEP))
            self.sole_publishers.expect(TRUTH_TOPIC)
        self.require(self._verdicts, self.create_subscription(
            EpisodeEvent, 'episode/event', self._on_event, qos.EVENT))
        self._streams = EpisodeStreams(
            self, self.subscribe_observations(self._aligner, self._advance_if_lockstep),
            self._tick_in_real_time)
        self.create_timer(
            1.0, self._look_around, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._publish_status()

    def health(self) -> Health:
        """Return the node's state, with how often the classifier erred."""
        health = super().health()
        if not self.configured:
            return health
        missing = filter(None, (health.missing, self._distrust, self._unseen))
        return replace(health, missing='; '.join(missing),
                       details={**health.details, **self._counts()})

    # Observations and verdicts.

    def _advance_if_lockstep(self) -> None:
        """Judge a new observation if it is complete, and the truth about it known."""
        if not self.lockstep:
            return
        # While an image is awaited, the newest complete stamp may be that of no observation.
        stamp = self._aligner.newest_complete()
        if stamp <= self._last or stamp not in self._truths:
            return
        if stamp != self._last + self.contract.period_ns:
            self._begin(stamp)
        for at in sorted(at for at in self._truths if at <= stamp):
            self._watched.note_truth(at, self._truths.pop(at))
        self._judge(stamp)

    def _tick_in_real_time(self) -> None:
        if self._running:
            self._judge(self.now())

    def _begin(self, stamp: int) -> None:
        """Watch another episode, whose first observation is at a stamp [ns]."""
        self._before = self._watched
        self._watched = WatchedEpisode(self._model.rule, self._told, stamp)
        self._images, self._published = (), False

    def _judge(self, stamp: int) -> None:
        """Look at the images at a stamp [ns], if one is new, and say what they show."""
        try:
            frame = self._aligner.frame(stamp) if self.lockstep \
                else self._aligner.late_frame(stamp)
            if frame.late:
                raise FrameError(frame.late)
            if frame.images != self._images:
                view = policy_view(frame.images, self.contract)
                self._images = frame.images
                probability = float(self._model.judge.probabilities(view[None])[0])
                self._watched.note_image(frame.stamp, probability)
                self._probabilities.publish(Float64(data=probability))
            self._unseen = ''
        except ValueError as error:  # whatever the messages hold: nothing is judged by them
            self._unseen = '; '.join([str(error), *self._aligner.rejections.lines()])
            self.get_logger().warning(self._unseen, throttle_duration_sec=1.0)
            if not self.lockstep:
                return
        self._last = stamp
        self._publish_verdict(stamp)

    def _publish_verdict(self, stamp: int) -> None:
        """Publish the verdict: in lockstep on each observation, otherwise a success, once."""
        success = self._watched.said is not None and not self._distrust
        if success and (self.lockstep or not self._published):
            self._published = True
            self._verdicts.publish(Outcome(
                header=self.header(stamp), outcome=Outcome.SUCCESS, reward=1.0,
                reason=f'seen by the classifier ({self._watched.agreed:.2f})'))
        elif self.lockstep:
            self._verdicts.publish(Outcome(header=self.header(stamp), outcome=Outcome.RUNNING))

    def _on_truth(self, message: Outcome) -> None:
        """Note whether the task is done, as a simulator says."""
        stamp, done = stamp_ns(message), message.outcome == Outcome.SUCCESS
        if self.lockstep:
            self._truths[stamp] = done
            if len(self._truths) > _MOST_TRUTHS:  # their observations never came
                del self._truths[min(self._truths)]
            self._advance_if_lockstep()
        elif self._running:
            self._watched.note_truth(stamp, done)

    # Episodes and their account.

    def _on_event(self, message: EpisodeEvent) -> None:
        check_ours(self, message)
        if message.event == EpisodeEvent.RESETTING:
            self._streams.prepare()
            if self.lockstep and self._aligner.newest_complete() < self._last:
                self._last = 0  # a simulator was started again: its time went back
                self._truths.clear()
        elif message.event == EpisodeEvent.STARTED:
            self._running = True
            if not self.lockstep:
                self._begin(stamp_ns(message))
            self._streams.begin()
        elif message.event == EpisodeEvent.ENDED:
            self._running = False
            self._streams.rest()
            self._note(message)

    def _note(self, ended: EpisodeEvent) -> None:
        """Note what was said of an episode, and what was true."""
        stamp, outcome = stamp_ns(ended), EpisodeOutcome(ended.outcome)
        if outcome not in _DECIDED or self._distrust:
            return
        # The first observation of the next episode may have come before this message.
        watched = self._watched if stamp >= self._watched.began else self._before
        said = watched.said if watched.said is not None and watched.said <= stamp else None
        by = 'time limit' if outcome is EpisodeOutcome.TIME_LIMIT else 'person'
        if said is not None and outcome is EpisodeOutcome.SUCCESS:
            by = 'classifier'
        back = 0 if said is None else round((stamp - said) / self.contract.period_ns)
        row = JudgedByClassifier(
            self._hash, ended.episode_id, _PURPOSES[ended.purpose], ended.tick, said is not None,
            None if said is None else max(ended.tick - back, 0), watched.highest,
            outcome.name.lower(), by, watched.done)
        self._rows.append(row)
        if self._record is not None:
            with JsonLines(self._record) as file:
                file.append(asdict(row))
        if row.false or row.missed:
            self.get_logger().warning(
                f'episode {row.episode_id}: ' + (
                    f'falsely called a success at tick {row.said_at}' if row.false
                    else 'a success that the classifier did not see'))
        self._look_at_errors()
        self._publish_status()

    def _look_at_errors(self) -> None:
        """Judge no more if too many episodes were falsely called a success."""
        why = why_distrusted(self._rows, self.value('bound'))
        self._distrust = why and why + _TO_DO
        if self._distrust:
            self.get_logger().error(self._distrust)

    def _count_anew(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Judge again after too many errors, and forget those until now."""
        response.success, response.message = True, f'{len(self._rows)} episodes are forgotten'
        self._rows.clear()
        self._distrust = ''
        self._publish_status()
        return response

    def _counts(self) -> dict[str, str]:
        """Return how often it erred in the last episodes, and the last one, as texts."""
        last, share = self._rows[-WINDOW:], false_successes(self._rows)
        return {
            'classifier': self._hash[:12], 'threshold': f'{self._model.rule.threshold:.3f}',
            'episodes': str(len(last)), 'false': str(sum(row.false for row in last)),
            'missed': str(sum(row.missed for row in last)),
            'false_low': f'{share.low:.3f}' if share else '',
            'false_high': f'{share.high:.3f}' if share else '',
            'bound': f'{self.value("bound"):g}',
            'episode_id': self._rows[-1].episode_id if self._rows else ''}

    def _look_around(self) -> None:
        self._streams.look()
        self._publish_status()

    def _publish_status(self) -> None:
        if self._statuses is None:
            return
        counts = self._counts()
        text = (f'{counts["false"]} of the last {counts["episodes"]} episodes falsely called a '
                f'success, {counts["missed"]} successes not seen')
        self._statuses.publish(DiagnosticStatus(
            level=DiagnosticStatus.ERROR if self._distrust else DiagnosticStatus.OK,
            name='judge', message=self._distrust or text, hardware_id=self.run_id,
            values=[KeyValue(key=key, value=value) for key, value in counts.items()]))


main = partial(run, RewardNode, PARAMETERS, __doc__)

if __name__ == '__main__':
    raise SystemExit(main())
