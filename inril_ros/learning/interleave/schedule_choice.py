# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The schedule that a configuration asks for."""
from __future__ import annotations

from collections.abc import Callable
import reprlib

from inril_ros.learning.interleave.adaptive import (
    AlignmentThermostat,
    AnchorConstraint,
    Controller,
    DoseController,
    Limits,
)
from inril_ros.learning.interleave.interleaving_config import InterleavingConfig, SCHEDULES
from inril_ros.learning.interleave.model_based import AnchorPrice, ModelBased
from inril_ros.learning.interleave.schedule import (
    AdaptiveSchedule,
    CountingSchedule,
    FixedSchedule,
    RandomSchedule,
)
from inril_ros.learning.plugins.registry import CONTROLLERS, plugin, PluginError

_WITHOUT_IMITATION = ('bc_regularised', 'kl_to_pretrained', 'frozen_actor')
"""Controls that replace imitation events."""


def imitates(config: InterleavingConfig) -> bool:
    """Return whether there are imitation events at all."""
    return config.m is not None and config.control not in _WITHOUT_IMITATION


def make_schedule(config: InterleavingConfig, heldout: Callable[[], float | None],
                  seed: int) -> CountingSchedule:
    """Return a new schedule.

    Args:
        config: The settings.
        heldout: Measures the imitation loss of the policy as it was cloned.
        seed: Seed of a schedule that draws m.

    Raises:
        ValueError: The schedule needs held-out demonstrations, and there are none; m is out of
            its bounds; or a plug-in can't be used.
    """
    if not imitates(config):
        return FixedSchedule(None, config.unit, config.il_steps)
    if config.schedule == 'fixed':
        return FixedSchedule(config.m, config.unit, config.il_steps)
    if config.schedule == 'random':
        return RandomSchedule(config.m, seed, config.unit, config.il_steps,
                              min(config.m_min, config.m))
    return AdaptiveSchedule(_controller(config, heldout), config.unit, config.il_steps)


def _controller(config: InterleavingConfig, heldout: Callable[[], float | None]) -> Controller:
    limits = Limits(config.m_min, config.m_max, float(config.m))
    if config.schedule == 'alignment':
        return AlignmentThermostat(limits)
    if config.schedule == 'dose':
        return DoseController(limits, config.dose_target)
    if config.schedule not in SCHEDULES:
        return _plugin_controller(config, limits, heldout)
    reference = _reference(config, heldout)
    if config.schedule == 'anchor':
        return AnchorConstraint(limits, reference, config.anchor_slack)
    return ModelBased(limits, AnchorPrice(reference, config.anchor_slack))


def _plugin_controller(config: InterleavingConfig, limits: Limits,
                       heldout: Callable[[], float | None]) -> Controller:
    name = config.schedule
    controller = plugin(CONTROLLERS, name, 'schedule', SCHEDULES)(limits, config)
    if not isinstance(controller, Controller):
        raise PluginError(f'the plug-in {name!r} of the group {CONTROLLERS} made '
                          f'{reprlib.repr(controller)}, which is no Controller')
    if controller.needs_heldout:
        _reference(config, heldout)
    return controller


def _reference(config: InterleavingConfig, heldout: Callable[[], float | None]) -> float:
    """Return the held-out imitation loss; ValueError if there are no such demonstrations."""
    reference = heldout()
    if reference is None:
        raise ValueError(
            f'schedule {config.schedule}: needs demonstrations kept out of learning, and the '
            'model was cloned from all of them. Clone at least 4 again with a heldout_share, for '
            'example 0.2 (inril pretrain --heldout-share 0.2, or pretrain: {heldout_share: 0.2} '
            'in a study), or choose another schedule')
    return reference
