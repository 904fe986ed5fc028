# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The expectile loss agrees with IDQL's, and its minimum is the expectile."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy.stats import expectile
import torch

from inril_ros.learning.learners.expectile import expectile_loss

VECTORS = json.loads((Path(__file__).parent / 'vectors' / 'iql_expectile.json').read_text())


@pytest.mark.parametrize('case', VECTORS['cases'], ids=lambda case: f'tau {case["tau"]}')
def test_the_loss_is_that_of_idql(case: dict) -> None:
    loss = expectile_loss(torch.tensor(VECTORS['difference']), case['tau'])
    torch.testing.assert_close(loss, torch.tensor(case['loss']), atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize('tau', [0.3, 0.5, 0.9])
def test_the_value_that_minimises_it_is_the_expectile_of_the_data(tau: float) -> None:
    data = torch.randn(200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    value = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([value], max_iter=100, tolerance_grad=1e-12)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = expectile_loss(data - value, tau).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    assert float(value.detach()) == pytest.approx(expectile(data.numpy(), tau), abs=1e-4)


@pytest.mark.parametrize('tau', [0.0, 1.0, -0.1])
def test_an_expectile_outside_0_to_1_is_refused(tau: float) -> None:
    with pytest.raises(ValueError, match='expectile'):
        expectile_loss(torch.zeros(1), tau)
