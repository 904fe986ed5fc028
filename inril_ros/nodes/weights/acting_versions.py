# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which version of the weights acts: carries out the gate's decisions and reports them.

The acting network and the last good one are kept, so that a rollback only swaps references.
Services: ``~/pin_version`` (true: keep the acting version, false: accept newer ones again),
``~/rollback`` (to the last good version, and stay there), ``~/hand_over`` (follow the next learner
with a valid version), ``~/hold_version`` (true: the acting version stays until false, or until a
rollout begins, while its episodes of evaluation are counted; its model is written to a folder).
"""

from dataclasses import dataclass
import json
from pathlib import Path
import time
from typing import Any

from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

from inril_ros.learning.policies.artifact import (
    content_hash,
    model_document,
    to_bytes,
    write_folder,
)
from inril_ros.msg import EpisodeEvent, EpisodeRequest, LearnerStatus, PolicyStatus
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.weights.receiver import Loaded, WeightsReceiver
from inril_ros.transport.weights.gate import GateConfig, GateError, VersionGate
from inril_ros.transport.weights.staleness import Freshness, Staleness, StalenessLimits

PARAMETERS = (
    Parameter('automatic_rollback', True,
              'return to the last good version when episodes have clearly become worse'),
    Parameter('rollback_drop', 0.3, 'drop of the rate of success without a person that counts as '
              'clearly worse', minimum=0.05, maximum=0.95),
    Parameter('rollback_reference', 20, 'episodes that show how good the policy is',
              minimum=3, maximum=1000),
    Parameter('stale_warning', 60.0, '[s] time since the acting weights were the newest beyond '
              'which a warning is given; 0: never', minimum=0.0, maximum=1e6),
    Parameter('stale_hold', 0.0, '[s] the same time beyond which they do not act and the arm '
              'holds; 0: never', minimum=0.0, maximum=1e6),
    Parameter('stale_warning_updates', 0, 'lead of the learner in RL updates beyond which a '
              'warning is given; 0: never',
              minimum=0, maximum=10 ** 9),
    Parameter('stale_hold_updates', 0, 'lead of the learner in RL updates beyond which the arm '
              'holds; 0: never',
              minimum=0, maximum=10 ** 9),
    Parameter('hold_first', False, 'the first model acts until ~/hold_version is called with '
              'false or a rollout begins: it is evaluated before anything is learned'),
    Parameter('held_versions', '', 'folder to which ~/hold_version writes the model that it '
              'holds; empty: it is not written'),
)


@dataclass(frozen=True)
class Acting:
    """A network that acts or may act again.

    Attributes:
        version: Version number; 0: loaded from disk.
        run_id: UUID of the run that it came from; empty: from disk.
        learner_step: RL updates that led to it.
        product: The network with its actions on the trial frames.
        timings: [s] Times of receiving and of verifying.
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
        from_disk: The network that acts at first; None: none does.
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
        self._held = value('hold_first') and self.acting is not None
        self._folder = value('held_versions')
        node.create_service(SetBool, '~/pin_version', self._pin)
        node.create_service(Trigger, '~/rollback', self._roll_back)
        node.create_service(Trigger, '~/hand_over', self._hand_over)
        node.create_service(SetBool, '~/hold_version', self._hold)

    def use_receiver(self, receiver: WeightsReceiver) -> None:
        """Get newer versions from a receiver."""
        self._receiver = receiver

    def swap(self) -> bool:
        """Let a loaded version act, if the gate allows it; never call it within an inference.

        Returns:
            Whether another version acts now.
        """
        if (self._held or not self._gate.takes_new()) and self.acting is not None:
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
            # There is no version to go back to: none acted before, or one of another run.
            self._gate = VersionGate(self._config)
            self._gate.begin(manifest.version)
            self._kept.clear()
        self._gate.note_acting(manifest.version)
        self._keep()
        self._staleness.note_acting(manifest.version, manifest.learner_step, time.monotonic())
        self._receiver.note_acting(loaded, self._kept)

    def _keep(self) -> None:
        """Keep the acting network and the one to go back to."""
        self._kept[self.acting.version] = self.acting
        self._kept = {version: kept for version, kept in self._kept.items()
                      if version in (self.acting.version, self._gate.good)}

    def on_episode_begin(self, event: EpisodeEvent) -> None:
        """Hold no version any longer than its evaluation lasts."""
        if event.purpose == EpisodeRequest.ROLLOUT:
            self._held = False

    def on_episode_end(self, event: EpisodeEvent, helped: bool) -> None:
        """Count an ended episode; that may bring the last good version back.

        Args:
            event: Its end.
            helped: Whether a person took over in it.
        """
        if event.purpose != EpisodeRequest.ROLLOUT or event.outcome == EpisodeEvent.ABORTED \
                or self.acting is None:
            return
        before = self._gate.reason
        back = self._gate.on_episode_end(event.outcome == EpisodeEvent.SUCCESS, helped)
        if self._gate.reason != before:
            self._log.info(f'weights: {self._gate.reason}')
        if back is not None:
            self._return_to(back)
        self._keep()

    def on_learner_status(self, status: LearnerStatus) -> None:
        """Note the learner's newest version and its updates."""
        self._staleness.note_learner(status.weights_version, status.rl_updates, time.monotonic())

    def too_old(self) -> bool:
        """Return whether the acting version is too old; one that is to stay never is."""
        return not self._held and self._gate.takes_new() and \
            self._staleness.judge(time.monotonic()) is Freshness.TOO_OLD

    def fill(self, status: PolicyStatus) -> None:
        """Write the acting version and the gate's state into a status."""
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
        status.gate_reason = (f'version {self.acting.version} is held while it is evaluated'
                              if self._held else gate.reason)
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

    def _hold(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Hold the acting version; answer with its number, hash and folder as JSON."""
        if request.data and self.acting is None:
            response.success, response.message = False, 'no version acts yet'
            return response
        self._held = request.data
        response.success = True
        if request.data:
            try:
                response.message = json.dumps(self._write_held())
            except OSError as error:
                self._held = False
                response.success, response.message = False, f'the model is not written: {error}'
        return response

    def _write_held(self) -> dict[str, Any]:
        """Write the acting model, unless that was done before; return which it is and where.

        Version numbers come again when a learner continues from an older checkpoint, so the
        folder's name has the hash too.
        """
        policy = self.acting.product.policy
        # Copies: equal tensors of a version that was received share their memory.
        tensors = {key: tensor.clone() for key, tensor in policy.state_dict().items()}
        digest = content_hash(to_bytes(tensors))
        name = f'{self.acting.version:04d}_{digest[:8]}'
        if self._folder and not Path(self._folder, name).exists():
            write_folder(Path(self._folder, name), tensors,
                         model_document(policy.config.to_json()))
        return {'version': self.acting.version, 'learner_step': self.acting.learner_step,
                'content_hash': digest, 'folder': name}

    def _hand_over(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._receiver.hand_over()
        response.success = True
        response.message = 'the next learner with a valid version is followed, of whatever run'
        return response
