# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of interleaving: schedule, sources, strength, separation and measurement."""
from __future__ import annotations

from dataclasses import dataclass
import math
from typing import get_args, Literal

from inril_ros.learning.configuration import BoundedConfig
from inril_ros.learning.interleave.control_names import checked_control
from inril_ros.learning.interleave.sources import ImitationSource
from inril_ros.learning.plugins.registry import CONTROLLERS, plugin

Unit = Literal['minibatch', 'iteration']
UNITS: tuple[str, ...] = get_args(Unit)
Mode = Literal['none', 'two_sided', 'protect_rl', 'protect_il']
Metric = Literal['euclid', 'adam']
MODES: tuple[str, ...] = get_args(Mode)
METRICS: tuple[str, ...] = get_args(Metric)
SCHEDULES = ('fixed', 'random', 'alignment', 'model', 'anchor', 'dose')


@dataclass(frozen=True)
class InterleavingConfig(BoundedConfig):
    """Settings of the method. Defaults are ours: the paper's are unpublished."""

    BOUNDS = {
        'il_steps': (1, 100_000), 'm_min': (1.0, 1e6), 'm_max': (1.0, 1e6),
        'dose_target': (1e-6, 1e6), 'anchor_slack': (0.0, 1e6), 'control_weight': (0.0, 1e6),
        'imitation_learning_rate': (1e-8, 1.0), 'imitation_weight_decay': (0.0, 1.0),
        'imitation_batch': (2, 65_536), 'dose_window': (1, 10_000_000),
        'alignment_every': (0, 1_000_000), 'alignment_window': (20, 1000)}

    m: float | None = 2
    """RL units per imitation event; null or .inf is RL only. The first value of an adaptive m."""
    unit: str = 'minibatch'
    """What m counts: RL gradient steps (minibatch), or whole iterations of the host (iteration).
    On-policy hosts need iteration: an IL step within one makes its other samples stale."""
    il_steps: int = 1
    """IL gradient steps per imitation event."""
    schedule: str = 'fixed'
    """fixed m, random m with mean m (a control), or m by a controller: alignment (C1), model (C2),
    anchor (C3), dose, or the name of a plug-in."""
    m_min: float = 2.0
    m_max: float = 30.0
    """Bounds of an adaptive m."""
    dose_target: float = 0.2
    """|path of IL| / |path of RL| at which the controller dose keeps the run."""
    anchor_slack: float = 0.2
    """Share of its value after cloning by which the held-out IL loss may rise (anchor, model)."""
    separation: str = 'two_sided'
    """none, two_sided, protect_rl or protect_il; where RL and IL share parameters."""
    separation_metric: str = 'euclid'
    """euclid projects gradients; adam projects the steps that Adam takes."""
    separation_per_tensor: bool = False
    """Project tensor by tensor instead of the whole vector."""
    separation_always: bool = False
    """Project aligned gradients too."""
    shared_adam: bool = False
    """One optimiser for both gradients, with the host's learning rate (an ablation)."""
    control: str = 'none'
    """A control in place of the method; see control_names.CONTROLS."""
    control_weight: float = 0.1
    """Weight of the term that the control bc_regularised or kl_to_pretrained adds."""
    imitation_source: str = 'both'
    """demonstrations, own_successes, interventions, both (demonstrations, own successes and
    interventions), mixture (a share of each of the three), replay (all own windows alike, a
    control) or the name of a plug-in. Demonstrations while a source is empty."""
    demonstration_share: float = 0.5
    """Share of demonstrations in an IL batch of the sources both and mixture."""
    intervention_share: float = 0.0
    """Share of interventions in an IL batch of the source mixture."""
    imitation_learning_rate: float = 5e-4
    """AdamW, separate from the optimisers of RL."""
    imitation_weight_decay: float = 1e-6
    imitation_batch: int = 128
    """Rows per IL update, the same for every source."""
    imitation_gradient_clip: float | None = None
    """Largest norm of the IL gradient; null: not clipped."""
    dose_window: int = 500
    """RL updates over which the measured path lengths fade."""
    alignment_every: int = 10
    """Imitation events from one measurement of alignment to the next; 0: never. A measurement
    takes about two RL updates of `actor_critic`: every tenth event of m = 4 is below 5 % of the
    CPU time. On-policy hosts have few and long events: 1 costs them nothing to speak of."""
    alignment_window: int = 50
    """Measurements that are pooled."""

    def __post_init__(self) -> None:
        object.__setattr__(self, 'm', checked_m(self.m))
        ImitationSource(self.imitation_source, self.demonstration_share, self.intervention_share)
        checked_control(self.control)
        if self.schedule not in SCHEDULES:
            plugin(CONTROLLERS, self.schedule, f'{type(self).__name__}.schedule', SCHEDULES)
        for name, allowed in (('unit', UNITS), ('separation', MODES),
                              ('separation_metric', METRICS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f'{type(self).__name__}.{name}: {getattr(self, name)!r} is '
                                 f'unknown; allowed are {allowed}')
        if self.schedule != 'fixed' and self.m is None:
            raise ValueError(f'{type(self).__name__}.m: the schedule {self.schedule} needs an m '
                             'to begin with')
        if not self.m_min <= self.m_max:
            raise ValueError(f'{type(self).__name__}: m_min {self.m_min} is above m_max '
                             f'{self.m_max}')
        super().__post_init__()


def checked_m(m: float | None) -> int | None:
    """Return m as an integer, or None for RL only; raise ValueError for anything else."""
    if m is None or m == math.inf:
        return None
    if m != m or m < 1 or m != int(m):
        raise ValueError(f'm: {m!r} is not allowed; m is a whole number >= 1, '
                         'or null (or .inf) for RL only')
    return int(m)
