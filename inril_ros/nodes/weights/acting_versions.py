# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which version of the weights acts: what the gate decides, done, and told in the policy's status.

The acting network and the last good one are kept, so that a rollback is an exchange of references.
Services: ``~/pin_version`` (true: keep what acts, false: take newer ones again), ``~/rollback``
(to the last good version, and stay there), ``~/hand_over`` (take the next learner that comes).
"""

from dataclasses import dataclass
import time
from typing import Any

from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

from inril_ros.msg import EpisodeEvent, EpisodeRequest, LearnerStatus, PolicyStatus
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.weights.receiver import Loaded, WeightsReceiver
from inril_ros.transport.weights.gate import GateConfig, GateError, VersionGate
from inril_ros.transport.weights.staleness import Freshness, Staleness, StalenessLimits

PARAMETERS = (
    Parameter('automatic_rollback', True,
              'return to the last good version when episodes have clearly become worse'),
    Parameter('rollback_drop', 0.3, 'drop of the rate of success that is clearly worse',
              minimum=0.05, maximum=0.95),
    Parameter('rollback_reference', 20, 'episodes that tell how good the policy is',
              minimum=3, maximum=1000),
    Parameter('stale_warning', 60.0, '[s] weights that are older than the newest ones by more '
              'are worth a warning; 0: never', minimum=0.0, maximum=1e6),
    Parameter('stale_hold', 0.0, '[s] weights that are older by more do not act, and the arm '
              'holds; 0: never', minimum=0.0, maximum=1e6),
    Parameter('stale_warning_updates', 0, 'the same in RL updates of the learner',
              minimum=0, maximum=10 ** 9),
    Parameter('stale_hold_updates', 0, 'the same in RL updates of the learner',
              minimum=0, maximum=10 ** 9),
)


@dataclass(frozen=True)
class Acting:
    """A network with what is told of it.

    Attributes:
        version: Its number; 0: loaded from disk.
        run_id: UUID of the run that it came from; empty: from disk.
        learner_step: RL updates behind it.
        product: The network, and what the probe needs of it.
        timings: [s] Receiving and verifying.
        action_change: See PolicyStatus.msg.
    """

    version: int
    run_id: str
    learner_step: int
    product: Any
    timings: tuple[float, float] = (0.0, 0.0)
    action_change: float = 0.0


class ActingVersions:
    """The gate with the networks that it chooses from.

    Args:
        node: Has the parameters above; services belong to it.
        from_disk: What acts at first; None: nothing does.
    """

    def __init__(self, node: Node, from_disk: Any | None) -> None:
        def value(name: str) -> Any:
            return node.get_parameter(name).value

        self._log = node.get_logger()
        self._config = GateConfig(
            automatic=value('automatic_rollback'), drop=value('rollback_drop'),
            reference=value('rollback_reference'))
        self._gate = VersionGate(self._config)
        self._staleness = Staleness(StalenessLimits(
            value('stale_warning'), value('stale_hold'), value('stale_warning_updates'),
            value('stale_hold_updates')))
        self.acting = None if from_disk is None else Acting(0, '', 0, from_disk)
        self._kept = {} if self.acting is None else {0: self.acting}
        self._receiver: WeightsReceiver | None = None
        self._swap_seconds = 0.0
        node.create_service(SetBool, '~/pin_version', self._pin)
        node.create_service(Trigger, '~/rollback', self._roll_back)
        node.create_service(Trigger, '~/hand_over', self._hand_over)

    def use_receiver(self, receiver: WeightsReceiver) -> None:
        """Take newer versions from a receiver."""
        self._receiver = receiver

    def swap(self) -> bool:
        """Let a version act that stands by, if the gate allows one.

        Never called within an inference.

        Returns:
            Whether another one acts now.
        """
        if not self._gate.takes_new() and self.acting is not None:
            return False
        loaded = self._receiver.pop_loaded()
        if loaded is None:
            return False
        began = time.perf_counter()
        self._act_with(loaded)
        self._swap_seconds = time.perf_counter() - began
        return True

    def _act_with(self, loaded: Loaded) -> None:
        manifest = loaded.manifest
        former = self.acting
        self.acting = Acting(
            manifest.version, manifest.run_id, manifest.learner_step, loaded.product,
            (loaded.receive_seconds, loaded.verify_seconds), loaded.product.change)
        if former is None or (former.run_id and former.run_id != manifest.run_id):
            # Nothing to go back to: there was none, or it is of another run.
            self._gate = VersionGate(self._config)
            self._gate.begin(manifest.version)
            self._kept.clear()
        self._gate.note_acting(manifest.version)
        self._keep()
        self._staleness.note_acting(manifest.version, manifest.learner_step, time.monotonic())
        self._receiver.note_acting(loaded, self._kept)

    def _keep(self) -> None:
        """Keep the network that acts and the one to go back to."""
        self._kept[self.acting.version] = self.acting
        self._kept = {version: kept for version, kept in self._kept.items()
                      if version in (self.acting.version, self._gate.good)}

    def on_episode_end(self, event: EpisodeEvent) -> None:
        """Take the end of an episode; it may bring the last good version back."""
        if event.purpose != EpisodeRequest.ROLLOUT or event.outcome == EpisodeEvent.ABORTED \
                or self.acting is None:
            return
        before = self._gate.reason
        back = self._gate.on_episode_end(event.outcome == EpisodeEvent.SUCCESS)
        if self._gate.reason != before:
            self._log.info(f'weights: {self._gate.reason}')
        if back is not None:
            self._return_to(back)
        self._keep()

    def on_learner_status(self, status: LearnerStatus) -> None:
        """Take what the learner says of itself."""
        self._staleness.note_learner(status.weights_version, status.rl_updates, time.monotonic())

    def too_old(self) -> bool:
        """Say whether what acts is too old to act; what an operator pinned is not."""
        return self._gate.takes_new() and \
            self._staleness.judge(time.monotonic()) is Freshness.TOO_OLD

    def fill(self, status: PolicyStatus) -> None:
        """Write into a status what acts, and why."""
        now, gate = time.monotonic(), self._gate
        status.ready = self.acting is not None
        if self.acting is not None:
            status.run_id = self.acting.run_id
            status.weights_version = self.acting.version
            status.learner_step = self.acting.learner_step
            status.receive_seconds, status.verify_seconds = self.acting.timings
            status.action_change = self.acting.action_change
        status.swap_seconds = self._swap_seconds
        status.good_version = gate.good
        status.on_trial = gate.on_trial
        status.pinned = not gate.takes_new()
        status.rollbacks = gate.rollbacks
        status.gate_reason = gate.reason
        status.evidence = gate.evidence
        status.freshness = int(self._staleness.judge(now))
        status.weights_age = self._staleness.age(now)
        status.weights_lag = self._staleness.lag

    def _return_to(self, version: int) -> None:
        self.acting = self._kept[version]
        self._log.error(f'weights: {self._gate.reason}')

    # Services.

    def _pin(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data:
            self._gate.pin()
        else:
            self._gate.unpin()
        response.success, response.message = True, self._gate.reason
        return response

    def _roll_back(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._return_to(self._gate.roll_back())
            self._keep()
            response.success, response.message = True, self._gate.reason
        except GateError as error:
            response.success, response.message = False, str(error)
        return response

    def _hand_over(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._receiver.hand_over()
        response.success = True
        response.message = 'the next learner that sends weights is taken, of whatever run'
        return response
