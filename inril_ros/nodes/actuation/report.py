# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the actuation node reports: each executed action, and its status with all counts."""

from collections.abc import Callable

import numpy as np

from inril_ros.msg import ActuationStatus, ExecutedAction
from inril_ros.nodes.actuation.chunk_input import ChunkInput
from inril_ros.nodes.actuation.episode_life import EpisodeLife
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.episode import Phase
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.modes import Mode
from inril_ros.robot.motion.tick import DRY_RUN, Executed
from inril_ros.robot.timing.pacing import GapHistogram


class ActuationReport:
    """Counts ticks and publishes.

    Args:
        faults: Returns the present faults of observation streams.
        dry_run: Nothing is sent to the robot; each message says so.

    Attributes:
        gaps: Times between the ticks of episodes.
    """

    def __init__(
        self, node: ManagedNode, path: CommandPath, life: EpisodeLife, chunks: ChunkInput,
        faults: Callable[[], tuple[str, ...]], dry_run: bool = False,
    ) -> None:
        self._node = node
        self._path = path
        self._life = life
        self._chunks = chunks
        self._faults = faults
        self._dry_run = (DRY_RUN,) if dry_run else ()
        self.gaps = GapHistogram(node.contract.period, paced=not node.lockstep)
        self._counts = {'ticks': 0, 'skipped': 0, 'holds': 0, 'clipped': 0, 'person_ticks': 0}
        self._published: tuple[object, ...] = ()
        self._executed = node.create_publisher(ExecutedAction, 'executed_action', qos.RECORD)
        self._status = node.create_publisher(ActuationStatus, 'actuation/status', qos.STATE)

    def warn_at_start(self) -> None:
        """Warn of a dry run, and of joints without limits of position."""
        log, unbounded = self._node.get_logger(), self._path.gate.unbounded
        if self._dry_run:
            log.warning('dry run: everything is computed and reported, nothing is sent to the '
                        'robot, and it is assumed to follow')
        if unbounded:
            log.warning(
                f'{", ".join(unbounded)}: joints are commanded by velocity and have no limits of '
                'position: give the contract a URDF, or position_minimum and position_maximum, '
                'and observe their positions')

    def publish_executed(
        self, executed: Executed, stamp: int, observation_age: float,
    ) -> None:
        """Publish the result of a tick of an episode."""
        life, requested = self._life, executed.requested
        action = self._path.gate.last if executed.action is None else executed.action
        self._executed.publish(ExecutedAction(
            header=self._node.header(stamp), episode_id=life.machine.request.episode_id,
            tick=life.machine.executed(held=bool(self._path.modes.obstacle())),
            source=executed.source.value,
            requested=[] if requested is None else _floats(requested),
            executed=_floats(action), reasons=[*executed.reasons, *self._dry_run],
            weights_version=executed.weights_version, chunk_first_tick=executed.chunk_first_tick,
            observation_age=observation_age, person_share=executed.person_share))
        life.last_tick = stamp
        self._count(executed)

    def publish_missed(self, executed: Executed, stamp: int) -> None:
        """Publish a tick of an episode that never came."""
        self.publish_executed(executed, stamp, float('inf'))
        self._counts['skipped'] += 1

    def _count(self, executed: Executed) -> None:
        held = executed.requested is None or executed.source.value == ExecutedAction.HOLD
        self._counts['ticks'] += 1
        self._counts['holds'] += held
        self._counts['clipped'] += bool(executed.reasons) and not held
        self._counts['person_ticks'] += executed.source.value == ExecutedAction.TELEOP

    def count_tick(self, now: float) -> None:
        """Count a tick of an episode at ``now`` [s] of the clock of rules."""
        self._life.note_progress()
        self.gaps.tick(now)

    def publish_changes(self) -> None:
        """Publish the status if the mode, the phase, or an obstacle to motion has changed."""
        modes = self._path.modes
        state = (modes.mode, modes.latched, modes.enabled, modes.pressed, self._life.phase)
        if state != self._published:
            self._published = state
            self.publish()

    def publish(self) -> None:
        """Publish the status."""
        modes, arbiter, life = self._path.modes, self._path.arbiter, self._life
        request = life.machine.request
        beginning = life.phase in (Phase.RESETTING, Phase.WAITING)
        waits = beginning or life.phase is Phase.JUDGED
        mode = Mode.RESET if beginning and modes.mode is Mode.IDLE else modes.mode
        self._status.publish(ActuationStatus(
            header=self._node.header(self._node.now()), mode=mode.value,
            episode_id=request.episode_id if request else '', misses=self.gaps.misses,
            dropped=self._path.chunks.dropped, chunks_refused=self._chunks.refused,
            period=self._node.contract.period, worst_gap=self.gaps.worst,
            gap_edges=list(self.gaps.edges), gap_counts=list(self.gaps.counts),
            reason='; '.join(filter(None, (modes.reason, *self._dry_run))), enabled=modes.enabled,
            estop=modes.pressed, latched=modes.latched,
            faults=list(self._faults()), waiting_for=life.waits_for() if waits else '',
            interventions=arbiter.interventions, intervention_rate=arbiter.intervention_rate,
            **self._counts))


def _floats(values: np.ndarray) -> list[float]:
    """Return values as a message holds them; too large ones become infinite."""
    with np.errstate(over='ignore'):
        return values.astype(np.float32).ravel().tolist()
