# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a session reports of itself, from the interleaver to the LearnerStatus message."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
import math

_ALIGNMENT = {
    'alignment_action_cosine': 'alignment_cosine', 'alignment_pooled_cosine': 'alignment_cosine',
    'alignment_pooled_low': 'alignment_low', 'alignment_pooled_high': 'alignment_high',
    'alignment_c_min': 'alignment_c_min', 'alignment_sign_conflict': 'sign_conflict'}
_LOGGED = {name: name for name in ('ratio', 'rl_loss', 'il_loss', 'dose', 'm')} | _ALIGNMENT
"""Name in the log of an update -> field."""


@dataclass(frozen=True)
class LearnerMetrics:
    """The state of learning. Fields are named and explained as in LearnerStatus.msg."""

    transitions: int = 0
    env_steps: int = 0
    episodes: int = 0
    successes: int = 0
    rescued: int = 0
    rl_updates: int = 0
    il_updates: int = 0
    updates_due: int = 0
    ratio: float = 0.0
    rl_loss: float = math.nan
    il_loss: float = math.nan
    heldout_il_loss: float = math.nan
    dose: float = 0.0
    m: float = math.nan
    alignment: str = ''
    alignment_events: int = 0
    alignment_cosine: float = math.nan
    alignment_low: float = math.nan
    alignment_high: float = math.nan
    alignment_distinguishable: bool = False
    alignment_c_min: float = math.nan
    sign_conflict: float = math.nan

    def after(self, logged: Mapping[str, float]) -> LearnerMetrics:
        """Return the metrics after an update that logged these values; others stay as they are.

        A new estimate of alignment replaces the last one as a whole: what it doesn't name is
        unknown now.
        """
        changes: dict[str, float] = {}
        if 'alignment_pooled_t' in logged:
            changes = dict.fromkeys(_ALIGNMENT.values(), math.nan)
            changes['alignment_distinguishable'] = bool(logged['alignment_distinguishable'])
        changes |= {field: logged[name] for name, field in _LOGGED.items() if name in logged}
        return replace(self, **changes)
