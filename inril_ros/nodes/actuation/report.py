# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the actuation node tells: each executed action, and its status with all counts."""

from collections.abc import Callable

import numpy as np

from inril_ros.msg import ActuationStatus, ExecutedAction
from inril_ros.nodes.actuation.episode_life import EpisodeLife
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.episode import Phase
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.modes import Mode
from inril_ros.robot.motion.tick import Executed
from inril_ros.robot.timing.pacing import GapHistogram

#: Among the reasons of each tick of a dry run.
DRY_RUN = 'dry run: nothing is sent'


class ActuationReport:
    """Counts ticks and publishes.

    Args:
        node: The node that the publishers belong to.
        path: The robot's command path.
        life: The life of episodes.
        faults: What is wrong with a source at this moment.
        dry_run: Nothing is sent, and each message says so.

    Attributes:
        gaps: Between the ticks of episodes.
        chunks_refused: Chunks that could not be used.
    """

    def __init__(
        self, node: ManagedNode, path: CommandPath, life: EpisodeLife,
        faults: Callable[[], tuple[str, ...]], dry_run: bool = False,
    ) -> None:
        self._node = node
        self._path = path
        self._life = life
        self._faults = faults
        self._dry_run = (DRY_RUN,) if dry_run else ()
        self.gaps = GapHistogram(node.contract.period, paced=not node.lockstep)
        self.chunks_refused = 0
        self._counts = {'ticks': 0, 'skipped': 0, 'holds': 0, 'clipped': 0, 'person_ticks': 0}
        self._told: tuple[object, ...] = ()
        self._executed = node.create_publisher(ExecutedAction, 'executed_action', qos.RECORD)
        self._status = node.create_publisher(ActuationStatus, 'actuation/status', qos.STATE)

    def executed(self, executed: Executed, stamp: int, observation_age: float) -> None:
        """Tell what became of a tick of an episode."""
        life, requested = self._life, executed.requested
        action = self._path.gate.last if executed.action is None else executed.action
        self._executed.publish(ExecutedAction(
            header=self._node.header(stamp), episode_id=life.machine.request.episode_id,
            tick=life.machine.executed(), source=executed.source.value,
            requested=[] if requested is None else _floats(requested),
            executed=_floats(action), reasons=[*executed.reasons, *self._dry_run],
            weights_version=executed.weights_version, chunk_first_tick=executed.chunk_first_tick,
            observation_age=observation_age, person_share=executed.person_share))
        life.last_tick = stamp
        self._count(executed)

    def missed(self, executed: Executed, stamp: int) -> None:
        """Tell of a tick of an episode that never came."""
        self.executed(executed, stamp, float('inf'))
        self._counts['skipped'] += 1

    def _count(self, executed: Executed) -> None:
        held = executed.requested is None or executed.source.value == ExecutedAction.HOLD
        self._counts['ticks'] += 1
        self._counts['holds'] += held
        self._counts['clipped'] += bool(executed.reasons) and not held
        self._counts['person_ticks'] += executed.source.value == ExecutedAction.TELEOP

    def tick(self, now: float) -> None:
        """Count a tick of an episode at ``now`` [s] of a steady clock."""
        self._life.progress()
        self.gaps.tick(now)

    def publish_changes(self) -> None:
        """Publish the status if the mode, or what stands in its way, has changed."""
        modes = self._path.modes
        told = (modes.mode, modes.latched, modes.enabled, modes.pressed, self._life.phase)
        if told != self._told:
            self._told = told
            self.publish()

    def publish(self) -> None:
        """Publish the status."""
        modes, arbiter, life = self._path.modes, self._path.arbiter, self._life
        request = life.machine.request
        beginning = life.phase in (Phase.RESETTING, Phase.WAITING)
        mode = Mode.RESET if beginning and modes.mode is Mode.IDLE else modes.mode
        self._status.publish(ActuationStatus(
            header=self._node.header(self._node.now()), mode=mode.value,
            episode_id=request.episode_id if request else '', misses=self.gaps.misses,
            dropped=self._path.chunks.dropped, chunks_refused=self.chunks_refused,
            period=self._node.contract.period, worst_gap=self.gaps.worst,
            gap_edges=list(self.gaps.edges), gap_counts=list(self.gaps.counts),
            reason='; '.join(filter(None, (modes.reason, *self._dry_run))), enabled=modes.enabled,
            estop=modes.pressed, latched=modes.latched,
            faults=list(self._faults()), waiting_for=life.waits_for() if beginning else '',
            interventions=arbiter.interventions, intervention_rate=arbiter.intervention_rate,
            **self._counts))


def _floats(values: np.ndarray) -> list[float]:
    """Return what a message can hold: a strange request is told as it was."""
    with np.errstate(over='ignore'):
        return values.astype(np.float32).ravel().tolist()
