# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One RL update of a host whose actor follows the critics, as a session takes it."""
from __future__ import annotations

import torch

from inril_ros.learning.hosts.host import Host


def update(host: Host, optimiser: torch.optim.Optimizer) -> dict[str, float]:
    """Take an RL update, whose loss depends on all parameters of the actor; return the log."""
    batch = host.draw()
    logged = host.critic_update(batch)
    loss = host.actor_loss(batch)
    if loss is not None:
        gradients = torch.autograd.grad(loss, host.actor_parameters)
        for parameter, gradient in zip(host.actor_parameters, gradients):
            parameter.grad = gradient
        optimiser.step()
    return {**logged, **host.finish(batch)}
