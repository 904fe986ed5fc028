# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How much the actions of new weights differ from those of the acting ones on held-out frames.

Weights can be finite, complete and of the right shapes and still be wrong: of another task, or
after a divergence. Their actions on the same frames with the same noise then differ widely.
"""

import numpy as np

from inril_ros.transport.weights.manifest import WeightsRefused


def action_change(before: np.ndarray, after: np.ndarray) -> float:
    """Return the root mean square change of normalised actions (N, T, A)."""
    return float(np.sqrt(np.mean(np.square(
        np.asarray(after, np.float64) - np.asarray(before, np.float64)))))


def check_actions(before: np.ndarray | None, after: np.ndarray, limit: float) -> float:
    """Return how much the actions changed (root mean square); 0 without acting weights.

    A residual decides step by step, the clone that it began with by chunks. So T may differ; the
    steps that both decide on are compared.

    Args:
        before: (N, T, A) Normalised actions of the acting weights; None: there are none.
        after: (N, T, A) Normalised actions of the new weights.
        limit: Largest accepted change; 0: no limit.

    Raises:
        WeightsRefused: The new actions are not finite, or changed by more than the limit.
    """
    if not np.isfinite(after).all():
        raise WeightsRefused('the network gives actions that are not finite')
    if before is None:
        return 0.0
    steps = min(before.shape[1], after.shape[1])
    change = action_change(before[:, :steps], after[:, :steps])
    if 0 < limit < change:
        raise WeightsRefused(f'actions on held-out frames change by {change:.2f} (root mean '
                             f'square, normalised), {limit:.2f} is allowed')
    return change
