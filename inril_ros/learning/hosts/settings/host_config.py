# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the settings of all hosts have."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from inril_ros.learning.configuration import BoundedConfig
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.plugins.registry import PluginError

MOST_STEPS = 1_000_000
"""Own environment steps that are remembered by default."""

_CONTROLS_OF_SOME_HOSTS = ('shuffled_advantages', 'shuffled_rewards', 'kl_to_pretrained')


@dataclass(frozen=True)
class ActorSteps:
    """How the interleaver steps along `actor_loss`, with Adam."""

    learning_rate: float
    gradient_clip: float | None
    """Largest norm of the gradient; None: not clipped."""


@dataclass(frozen=True)
class HostConfig(BoundedConfig):
    """Settings of a host; each kind of host adds its own, and their bounds."""

    POLICY_KIND: ClassVar[str] = 'best_of_n'
    """The kind of policy that is cloned for the host."""

    @classmethod
    def host_class(cls) -> type:
        """Return the class of a plug-in's host, imported here: settings are read without torch.

        It is a subclass of Host that is made of this configuration and what `make_host` takes.

        Raises:
            PluginError: There is none.
        """
        raise PluginError(f'{cls.__name__} has no method host_class, which returns the class of '
                          "a plug-in's host")

    @property
    def takes_updates(self) -> bool:
        """Return whether the host learns by updates, after which new weights reach a robot."""
        return True

    @property
    def exploration(self) -> ExplorationConfig | None:
        """Return the noise that the acting process adds to actions; None: the policy explores."""
        return None

    @property
    def remembered_steps(self) -> int:
        """Return how many own environment steps are remembered, by RL and by imitation each."""
        return MOST_STEPS

    @property
    def actor_steps(self) -> ActorSteps | None:
        """Return how RL steps the actor; None: RL moves no actor."""
        return None

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces; None if this host has no such control."""
        return None if control in _CONTROLS_OF_SOME_HOSTS else {}
