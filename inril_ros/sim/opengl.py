# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How MuJoCo draws: without a display where that is possible.

MuJoCo chooses its OpenGL back end when it is first imported, by the environment variable
MUJOCO_GL, and can't be imported at all if that back end doesn't work. So the choice is made here,
before whatever imports MuJoCo, and falls back to no images rather than to no simulation.
"""

from importlib import import_module
from importlib.util import find_spec
import os
import sys
import warnings


def prefer_headless_opengl() -> None:
    """Import MuJoCo, if it is installed, with EGL, which needs no display.

    A user's choice by MUJOCO_GL comes first. What doesn't work is left out with a warning.
    """
    if 'mujoco' in sys.modules or find_spec('mujoco') is None:
        return
    choice = os.environ.setdefault('MUJOCO_GL', 'egl')
    try:
        import_module('mujoco')
    except Exception as error:  # a missing library, driver or device: each raises its own kind
        os.environ['MUJOCO_GL'] = 'disable'
        warnings.warn(f'MuJoCo can not draw with MUJOCO_GL={choice} ({error}): simulations run '
                      'without images', stacklevel=2)
