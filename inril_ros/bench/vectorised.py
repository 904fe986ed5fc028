# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Several simulations in one process, stepped in turn, with one policy call for all of them.

Episodes are the same as those of the graph in lockstep, with the same observation builder and
safety gate. A round begins one episode per lane and runs each to its end; lanes that have ended
drop out of the batch.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.learning.exploration import ExplorationNoise
from inril_ros.learning.library.playing import Lane, play, PlayedEpisode
from inril_ros.learning.policies.policy import Policy
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.images import as_it_comes, PolicyViews
from inril_ros.robot.motion.kinematics import URDF
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.sim.simulated_robot import SimulatedRobot, SimulatedState


class RobotLane(Lane):
    """One simulation and its present episode."""

    def __init__(self, robot: SimulatedRobot, contract: Contract, time_limit: int,
                 urdf: URDF | None = None) -> None:
        super().__init__()
        self._robot, self._contract = robot, contract
        self._time_limit = self._present_limit = time_limit
        self._builder, self._gate = ObservationBuilder(contract), SafetyGate(contract, urdf)
        self._views = PolicyViews(contract)
        self._encoded: dict[str, bytes] = {}
        self._state: SimulatedState

    def begin(self, seed: int, time_limit: int | None = None) -> None:
        """Begin an episode, with a shorter time limit [steps] than usual if one is given."""
        self._present_limit = min(self._time_limit, time_limit or self._time_limit)
        self._builder.begin()
        self._gate.reset(None)
        self._state = self._robot.reset(seed)
        self.played = PlayedEpisode([self._builder.build(self._state.values)],
                                    done=[self._state.done])
        self._add_images()

    @property
    def ended(self) -> bool:
        """Whether the episode is over."""
        return self.played.outcome != 'none' or self.played.steps >= self._present_limit

    @property
    def values(self) -> dict[str, np.ndarray]:
        """The present observations, by their names in the contract."""
        return self._state.values

    def act(self, action: np.ndarray) -> None:
        """Execute one action (A,) in -1..1.

        Raises:
            ValueError: The gate refuses it. It would hold a robot's arm; here it is a bug.
        """
        self.execute(self._contract.denormalise_action(action))

    def execute(self, action: np.ndarray, recorded: np.ndarray | None = None) -> None:
        """Execute one action (A,) in contract units; record it, or ``recorded`` instead."""
        played = self.played
        verdict = self._gate.check(action, self._state.values)
        if verdict.held:
            raise ValueError(f'action {played.steps}: {"; ".join(verdict.reasons)}')
        self._state = self._robot.step(verdict.action)
        played.actions.append(self._contract.normalise_action(
            verdict.action if recorded is None else recorded))
        played.rewards.append(self._state.reward)
        played.observations.append(self._builder.build(self._state.values))
        played.outcome = self._state.outcome
        played.done.append(self._state.done)
        self._add_images()

    def _add_images(self) -> None:
        """Add the images of this tick as a robot sends them: encoded, at the camera's rate."""
        for name, camera in self._contract.policy_cameras.items():
            if self.played.steps % self._contract.ticks_per_image(name) == 0:
                self._encoded[name] = as_it_comes(self._robot.image(name), camera)
        if self._contract.policy_images is not None:
            self.played.images.append(self._views.of(
                [self._encoded[name] for name in self._contract.policy_cameras]))

    def close(self) -> None:
        """Release the simulator."""
        self._robot.close()


class Lanes:
    """L lanes, in which a policy plays episodes."""

    def __init__(
        self, make: Callable[[], SimulatedRobot], contract: Contract, time_limit: int, number: int,
        urdf: URDF | None = None,
    ) -> None:
        self._lanes = [RobotLane(make(), contract, time_limit, urdf) for _ in range(number)]

    def __len__(self) -> int:
        """Return L."""
        return len(self._lanes)

    def play(
        self, policy: Policy, seeds: Sequence[int], generator: torch.Generator, *,
        explore: bool = False, noise: Sequence[ExplorationNoise] | None = None,
        time_limit: int | None = None,
    ) -> list[PlayedEpisode]:
        """Play one episode for each seed, at most L, and return them in this order.

        Args:
            policy: The acting policy.
            seeds: Seeds of the resets.
            generator: Generator of the policy's random numbers.
            explore: Explore, as in training episodes.
            noise: Noise to add to the actions, one for each episode.
            time_limit: Steps after which an episode is cut, if fewer than the usual limit.
        """
        lanes = self._lanes[:len(seeds)]
        for lane, seed in zip(lanes, seeds, strict=True):
            lane.begin(seed, time_limit)
        return play(lanes, policy, generator, explore=explore, noise=noise)

    def close(self) -> None:
        """Release the simulators."""
        for lane in self._lanes:
            lane.close()
