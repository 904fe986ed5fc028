# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Actions convert between the robot's units and -1..1 and back; limits map to -1 and 1."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
import numpy as np
import pytest

from inril_ros.robot.contract.contract import load_contract

FOLDER = Path(__file__).parents[3] / 'config' / 'robots'
CONTRACTS = [load_contract(path) for path in sorted(FOLDER.glob('*.yaml'))]


@given(st.sampled_from(CONTRACTS), st.data())
def test_normalised_actions_convert_back(contract, data):
    normalised = data.draw(npst.arrays(
        np.float32, (data.draw(st.integers(1, 4)), contract.action_size),
        elements=st.floats(-1.0, 1.0, width=32)))
    back = contract.normalise_action(contract.denormalise_action(normalised))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, normalised, atol=1e-6)


@pytest.mark.parametrize('contract', CONTRACTS, ids=lambda contract: contract.name)
def test_minus_one_and_one_are_the_limits(contract):
    ones = np.ones(contract.action_size, np.float32)
    np.testing.assert_allclose(contract.denormalise_action(-ones), contract.action_minimum, 1e-6)
    np.testing.assert_allclose(contract.denormalise_action(ones), contract.action_maximum, 1e-6)
    middle = (contract.action_minimum + contract.action_maximum) / 2
    np.testing.assert_allclose(contract.normalise_action(middle), 0.0, atol=1e-6)
