# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A policy, a host, a controller of m and an imitation source of your own."""

from dataclasses import dataclass, replace
import math

from inril_ros.learning.hosts.idql import IDQL
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.interleave.adaptive import Controller
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig


@dataclass(frozen=True)
class SteadyModel(ModelConfig):
    """Settings of the policy; they travel with its weights."""
    BOUNDS = {**ModelConfig.BOUNDS, 'reach': (0.1, 1.0)}
    kind: str = 'steady'
    reach: float = 0.9


class SteadyPolicy(BestOfN):
    """The default policy with a bound on normalised actions."""
    config_class = SteadyModel

    def decide(self, *arguments):
        decision = super().decide(*arguments)
        reach = self.config.reach
        return replace(decision, actions=decision.actions.clamp(-reach, reach))


@dataclass(frozen=True)
class HurriedConfig(IDQLConfig):
    """Settings of the host, and the kind of policy that is cloned for it."""
    BOUNDS = {**IDQLConfig.BOUNDS, 'cost': (0.0, 1.0)}
    POLICY_KIND = 'steady'
    cost: float = 0.01

    @classmethod
    def host_class(cls):
        return HurriedIDQL


class HurriedIDQL(IDQL):
    """IDQL in which each chunk costs a little: short ways are worth more."""

    def target_values(self, batch):
        return super().target_values(batch) - self.config.cost


class RisingM(Controller):
    """Less and less imitation: m rises by 5 % per event, within its bounds."""

    def __init__(self, limits, config):
        super().__init__(limits)

    def observe(self, event):
        self.m = self.limits.moved(self.m, math.log(1.05))


def newest_successes(memory, number, random):
    """The last 500 windows of own successes; demonstrations while there are none."""
    rows = memory.success_rows[-500:]
    return random.choice(rows if len(rows) else memory.demonstration_rows, number)
