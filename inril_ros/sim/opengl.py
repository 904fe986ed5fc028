# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lets MuJoCo draw without a display if possible.

MuJoCo chooses its OpenGL back end when it is first imported, by the environment variable
MUJOCO_GL, and can't be imported at all if that back end doesn't work. The choice is therefore made
here, before anything imports MuJoCo; if it doesn't work simulations run without images.
"""

from importlib import import_module
from importlib.util import find_spec
import os
import sys
import warnings


def prefer_headless_opengl() -> None:
    """Import MuJoCo, if it is installed, with EGL, which needs no display.

    A value of MUJOCO_GL takes precedence. If drawing doesn't work there is a warning.
    """
    if 'mujoco' in sys.modules or find_spec('mujoco') is None:
        return
    choice = os.environ.setdefault('MUJOCO_GL', 'egl')
    try:
        import_module('mujoco')
    except Exception as error:  # a missing library, driver or device: each raises another one
        os.environ['MUJOCO_GL'] = 'disable'
        warnings.warn(f'MuJoCo cannot draw with MUJOCO_GL={choice} ({error}): simulations run '
                      'without images', stacklevel=2)
