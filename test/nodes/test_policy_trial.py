# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""New weights are refused if actions on demonstrated frames are not finite or change too much."""

import numpy as np
import pytest

from inril_ros.nodes.weights.policy_trial import action_change, check_actions
from inril_ros.transport.weights.manifest import WeightsRefused


def test_actions_that_change_too_much_are_refused():
    before = np.zeros((5, 4, 3))
    assert check_actions(None, before, 0.5) == 0.0
    assert check_actions(before, before + 0.4, 0.5) == pytest.approx(0.4)
    assert check_actions(before, before + 0.6, 0.0) == pytest.approx(0.6)
    # Decisions of one step are compared with the first step of a chunk.
    assert check_actions(before, before[:, :1] + 0.4, 0.5) == pytest.approx(0.4)
    with pytest.raises(WeightsRefused, match=r'change by 0\.60 .* 0\.50 is allowed'):
        check_actions(before, before + 0.6, 0.5)
    for value in (np.nan, np.inf, -np.inf):
        wrong = before.copy()
        wrong[2, 1, 0] = value
        with pytest.raises(WeightsRefused, match='not finite'):
            check_actions(before, wrong, 0.0)
    assert action_change(np.array([3.0]), np.array([-1.0])) == 4.0
