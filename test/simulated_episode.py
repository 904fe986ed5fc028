# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plays an episode of a simulated robot in this process, without ROS."""

from types import SimpleNamespace

import numpy as np

from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.robot.motion.safety import SafetyGate


def run_episode(robot, contract, act, seed, time_limit_ticks, urdf=None):
    """Run one episode of N steps until its outcome or the time limit.

    ``act`` chooses an action from the observation (O,) and the values by name. The gate must not
    refuse it. The result has observations (N + 1, O), values by name (N + 1, size), actions (N, A)
    as returned by the gate, rewards (N,) and the outcome, ``none`` after the time limit.
    """
    builder, gate = ObservationBuilder(contract), SafetyGate(contract, urdf)
    states, actions = [robot.reset(seed)], []
    observations = [builder.build(states[0].values)]
    while len(actions) < time_limit_ticks and states[-1].outcome == 'none':
        verdict = gate.check(act(observations[-1], states[-1].values), states[-1].values)
        assert not verdict.held, verdict.reasons
        actions.append(verdict.action)
        states.append(robot.step(verdict.action))
        observations.append(builder.build(states[-1].values))
    return SimpleNamespace(
        observations=np.stack(observations), actions=np.stack(actions),
        values={name: np.stack([state.values[name] for state in states])
                for name in states[0].values},
        rewards=np.array([state.reward for state in states[1:]]), outcome=states[-1].outcome)
