# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joints that follow a reference like an arm's servos: late, with a lag, within limits.

There is no clock: each call is one step of a fixed length. Whatever the reference, velocity and
acceleration keep to their limits, and the joints brake in time before their ends.
"""

import numpy as np

from inril_ros.robot.motion.limits import JointLimits

#: [s] One step: the control period of common arms.
STEP = 0.002


class JointDynamics:
    """n joints of second order, critically damped.

    The acceleration is w^2 (r - q) + 2 w (r' - q'), w the bandwidth and r the reference, limited.
    Braking before the end of a joint is exact in discrete time: a step is taken only at a velocity
    v with v STEP + v^2 / 2a <= distance; after one step of full braking the same holds again.

    Args:
        limits: Finite limits of position, velocity and acceleration; jerk is not limited.
        start: (n,) Positions at the start, at rest.
        bandwidth: [rad/s] Bandwidth, at most 1 / STEP, or the discrete steps would oscillate.
        latency: [s] Delay of a reference, rounded to steps.

    Attributes:
        position: (n,) Positions.
        velocity: (n,) Velocities.
        effort: (n,) What the servos do, as the acceleration that they give a joint that is free to
            move: its highest one where they press against what blocks it.
        blocked: (n,) bool; these joints don't move, whatever the servos do.

    Raises:
        ValueError: A limit isn't finite, or the start is beyond them.
    """

    def __init__(
        self, limits: JointLimits, start: np.ndarray, bandwidth: float, latency: float,
    ) -> None:
        for name in ('minimum', 'maximum', 'velocity', 'acceleration'):
            if not np.isfinite(getattr(limits, name)).all():
                raise ValueError(f'{name} of the joints is not finite: '
                                 f'{getattr(limits, name).tolist()}')
        if (start < limits.minimum).any() or (start > limits.maximum).any():
            raise ValueError(f'start {start.tolist()} is beyond {limits.minimum.tolist()}..'
                             f'{limits.maximum.tolist()}')
        if not 0.0 < bandwidth <= 1.0 / STEP:
            raise ValueError(f'bandwidth is {bandwidth} rad/s: above 0, at most {1.0 / STEP:g}')
        self.limits = limits
        self.position = np.array(start, np.float64)
        self.velocity = np.zeros_like(self.position)
        self.effort = np.zeros_like(self.position)
        self.blocked = np.zeros(self.position.shape, bool)
        self._stiffness, self._damping = bandwidth ** 2, 2.0 * bandwidth
        self._change = limits.acceleration * STEP  # highest change of velocity in a step
        # Delayed references: row i is due i steps after the oldest one.
        self._due = np.zeros((round(latency / STEP) + 1, 2, start.size))
        self._due[:, 0] = start
        self._oldest = 0

    def step(self, reference: np.ndarray, reference_velocity: np.ndarray) -> None:
        """Simulate one step with a reference (n,) and its velocity (n,)."""
        self._due[self._oldest] = reference, reference_velocity
        self._oldest = (self._oldest + 1) % len(self._due)
        target, target_velocity = self._due[self._oldest]
        limits = self.limits
        change = STEP * (
            self._stiffness * (np.clip(target, limits.minimum, limits.maximum) - self.position)
            + self._damping * (np.clip(target_velocity, -limits.velocity, limits.velocity)
                               - self.velocity))
        np.clip(change, -self._change, self._change, out=change)
        self.effort = change / STEP
        velocity = self.velocity + change
        np.clip(velocity, -limits.velocity, limits.velocity, out=velocity)
        np.clip(velocity, -self._stoppable(self.position - limits.minimum),
                self._stoppable(limits.maximum - self.position), out=velocity)
        velocity[self.blocked] = 0.0
        self.velocity = velocity
        self.position = self.position + STEP * velocity

    def _stoppable(self, distance: np.ndarray) -> np.ndarray:
        """Return the highest velocity (n,) from which a distance (n,) suffices for braking."""
        return np.sqrt(self._change ** 2
                       + 2.0 * self.limits.acceleration * np.maximum(distance, 0.0)) - self._change
