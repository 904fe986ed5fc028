# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes of a simulated robot in this process, without ROS.

The observation vector is built by the same class as in the graph, from the same float64 values,
and actions pass the same safety gate: an episode equals the graph's in lockstep, bit for bit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.kinematics import URDF
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.sim.simulated_robot import Outcome, SimulatedRobot

Act = Callable[[np.ndarray, dict[str, np.ndarray]], np.ndarray]
"""Chooses an action (A,) in contract units from the observation (O,) and the values by name."""


@dataclass(frozen=True)
class Rollout:
    """One episode of N steps.

    Attributes:
        observations: (N + 1, O) float32; the last one follows the last action.
        values: Each observation of the contract by name, (N + 1, size) float64.
        actions: (N, A) float32 in contract units, as returned by the safety gate.
        rewards: (N,) float64.
        outcome: Outcome; ``none`` if the time limit ended the episode.
    """

    observations: np.ndarray
    values: dict[str, np.ndarray]
    actions: np.ndarray
    rewards: np.ndarray
    outcome: Outcome


def run_episode(
    robot: SimulatedRobot, contract: Contract, act: Act, seed: int, time_limit_ticks: int,
    urdf: URDF | None = None,
) -> Rollout:
    """Run one episode until its outcome or the time limit.

    Args:
        robot: A simulated robot; it is reset first.
        contract: Its contract.
        act: Chooses the actions.
        seed: Seed of the reset.
        time_limit_ticks: Highest number of ticks.
        urdf: The robot's URDF, if the contract guards its links.

    Raises:
        ValueError: The time limit is less than one tick, or the gate refuses an action: on a robot
            it would hold the arm, here the action is a mistake.
    """
    if time_limit_ticks < 1:
        raise ValueError(f'time_limit_ticks is {time_limit_ticks}, at least 1 is needed')
    builder, gate = ObservationBuilder(contract), SafetyGate(contract, urdf)
    state = robot.reset(seed)
    values = [state.values]
    observations = [builder.build(state.values)]
    actions, rewards = [], []
    while len(actions) < time_limit_ticks and state.outcome == 'none':
        verdict = gate.check(act(observations[-1], state.values), state.values)
        if verdict.held:
            raise ValueError(f'action {len(actions)}: {"; ".join(verdict.reasons)}')
        state = robot.step(verdict.action)
        actions.append(verdict.action)
        rewards.append(state.reward)
        values.append(state.values)
        observations.append(builder.build(state.values))
    return Rollout(
        observations=np.stack(observations),
        values={name: np.stack([each[name] for each in values]) for name in values[0]},
        actions=np.stack(actions),
        rewards=np.array(rewards),
        outcome=state.outcome,
    )
