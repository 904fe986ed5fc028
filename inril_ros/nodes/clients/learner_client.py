# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Waits for the learner: for its weights, its updates, and what it has of the journal."""

import json

from inril_ros.nodes.clients.episode_result import HeldVersion
from inril_ros.nodes.clients.graph_client import GraphClient, GraphStalled
from inril_ros.nodes.clients.person_wait import Wait

_QUIET = 10.0  # [s] without progress after which it is told


class LearnerClient(GraphClient):
    """A client of a graph in which something is learned.

    Attributes:
        learner_name: Name of the learner's node.
    """

    learner_name = 'learner_node'

    def hold_version(self) -> HeldVersion:
        """Let the acting version stay until it is released or a rollout begins.

        Weights that come meanwhile wait. Its model is written to the folder of the policy node.
        """
        held = HeldVersion(**json.loads(self.call('policy_node/hold_version', data=True)))
        self._wait(lambda: self.policy.weights_version == held.version, 30.0,
                   lambda: f'the policy reports version {self.policy.weights_version}')
        return held

    def release_version(self) -> None:
        """Let newer versions act again."""
        self.call('policy_node/hold_version', data=False)

    def save_learner(self) -> None:
        """Let the learner write its model and a checkpoint."""
        self.call(f'{self.learner_name}/save')

    def wait_first_weights(self, timeout: float = 600.0) -> None:
        """Wait until weights of the learner act instead of the model on disk.

        A host may act by another kind of policy than the clone that it began with.

        Raises:
            GraphStalled: The policy refused them, or they don't come.
        """
        self._wait(lambda: self.policy.weights_version or self.policy.refused_version, timeout,
                   lambda: f'no weights of the learner act: {self.policy.refusal}')
        if not self.policy.weights_version:
            raise GraphStalled(f"the learner's first weights were refused: {self.policy.refusal}")

    def _applied(self) -> bool:
        """Return whether the newest weights act, or never will: pinned or refused."""
        newest = self.learner.weights_version
        # A forged version may have been refused under a higher number than any of the learner's.
        return self.policy.pinned or newest <= self.policy.weights_version \
            or newest == self.policy.refused_version

    def wait_learned_again(self, lag: int) -> None:
        """Wait until a learner that was restarted has learned from all that is journaled.

        Until then the weights that act are older than those that acted before.
        """
        self._wait(lambda: self.recorder is not None, 60.0, lambda: 'no status of recorder_node')
        self.wait_learner(lag, applied=True, sequence=self.recorder.journaled)

    def wait_learner(self, lag: int, applied: bool = False, timeout: float = 600.0,
                     sequence: int = 0) -> None:
        """Wait until the learner has at most ``lag`` updates left to do.

        Args:
            lag: RL updates that may be due.
            sequence: Transitions that it must have, up to this one.
            applied: Also wait until the policy acts with the last published weights, or has
                refused them for good.
            timeout: [s] Longest time without progress of the learner.
        """
        def progress() -> tuple[int, int, int]:
            status, policy = self.learner, self.policy
            return status.rl_updates, status.sequence, policy.weights_version

        def done() -> bool:
            return self.learner.sequence >= sequence and self.learner.updates_due <= lag and (
                not applied or self._applied())

        before, since = progress(), self._clock()
        while not done():
            self._wait_once()
            if progress() != before:
                before, since = progress(), self._clock()
                self._note_wait(None)
            quiet = self._clock() - since
            if quiet > timeout and not self._attended:
                raise GraphStalled(f'the learner makes no progress: {self.learner}')
            if quiet > _QUIET:
                self._note_wait(Wait(f'the learner makes no progress: {self.learner.updates_due} '
                                     f'updates are due, {self.learner.sequence} transitions of '
                                     f'this robot are learned from'))
        self._note_wait(None)

    def wait_ingested(self, sequence: int, timeout: float = 60.0) -> None:
        """Wait until the learner has every transition up to a sequence number."""
        self._wait(lambda: self.learner.sequence >= sequence, timeout,
                   lambda: f'the learner has transitions up to {self.learner.sequence}, '
                           f'{sequence} are journaled')

    def wait_acknowledged(self, timeout: float = 60.0) -> None:
        """Wait until the recorder knows that the learner has everything."""
        self._wait(lambda: self.recorder.acknowledged >= self.recorder.journaled, timeout,
                   lambda: f'{self.recorder.acknowledged} of {self.recorder.journaled} '
                           'transitions are acknowledged')
