# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Expectile regression: how IQL learns the value of the better actions in the data."""
from __future__ import annotations

import torch
from torch import Tensor


def expectile_loss(difference: Tensor, tau: float) -> Tensor:
    """
    Return |tau - 1(u < 0)| u^2 of each difference u = Q - V (Kostrikov et al. 2022, eq. 5).

    :param difference: target minus estimate, any shape; the result has the same
    :param tau: the expectile: 0.5 is (half of) least squares, towards 1 is the maximum
    :raises ValueError: tau is not in (0, 1)
    """
    if not 0.0 < tau < 1.0:
        raise ValueError(f'the expectile tau is {tau}, it must be in (0, 1)')
    weight = torch.where(difference < 0.0, 1.0 - tau, tau)
    return weight * difference.square()
