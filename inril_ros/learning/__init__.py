# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Learning: torch and numpy, without ROS.

No bags, no contract. Everything that a fine-tuning run computes is here, so that the learner
process and a benchmark without ROS run the same code.

Used as a library it needs numpy, scipy, safetensors and torch, Gymnasium for environments and
h5py for data sets: `from inril_ros.learning import fit`. A name is imported when it is asked for,
because the processes that move a robot import parts of this package and must not load torch.
"""

from importlib import import_module
from typing import Any

_MODULES = {
    'datasets.d4rl': ('read_d4rl',),
    'datasets.minari': ('read_minari',),
    'datasets.robomimic': ('read_robomimic',),
    'library.demonstrations': ('ActionBounds', 'Demonstration'),
    'library.environment': ('Actor',),
    'library.evaluation': ('evaluate', 'Success'),
    'library.fitting': ('clone', 'fit', 'FitConfig', 'Fitted'),
    'library.progress': ('Progress', 'ProgressLines'),
    'policies.artifact': ('load_policy', 'save_policy'),
    'pretrain': ('PretrainConfig', 'PretrainResult'),
    'session': ('FineTuningSession',),
    'session_config': ('SessionConfig',),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
