# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A simulation of states runs wherever MuJoCo does; only images need OpenGL."""

import os
import subprocess
import sys

import pytest

# In a separate process: MuJoCo chooses once, at its first import.
_SCRIPT = """
import sys
import numpy as np
from inril_ros.robot.contract.contract import load_contract
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.scripted import ScriptedOperator

contract = load_contract(sys.argv[1])
operator = ScriptedOperator('reach', contract)
operator.begin(0)
robot = make_simulation(sys.argv[2], 'reach', contract)
state = robot.step(operator.command(robot.reset(0).values))
print('stepped', np.isfinite(state.values['hand_position']).all())
from inril_ros.sim.rendering import RenderingError
try:
    robot.image('front')
except RenderingError as error:
    print('refused', error)
"""


@pytest.mark.parametrize(('variables', 'warning'), [
    # The import of MuJoCo with EGL fails if PyOpenGL is set to another platform.
    ({'PYOPENGL_PLATFORM': 'glx'}, 'cannot draw with MUJOCO_GL=egl'),
    ({'PYOPENGL_PLATFORM': 'glx', 'MUJOCO_GL': 'egl'}, 'cannot draw with MUJOCO_GL=egl'),
    ({'MUJOCO_EGL_DEVICE_ID': '99'}, ''),
    ({'MUJOCO_GL': 'disable'}, ''),
])
def test_without_opengl_a_simulation_runs_without_images(
        variables, warning, metaworld_file):
    contract_path = metaworld_file.parents[1] / 'robots' / 'metaworld_sawyer.yaml'
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(('MUJOCO', 'PYOPENGL'))}
    done = subprocess.run(
        [sys.executable, '-c', _SCRIPT, contract_path, metaworld_file], text=True, timeout=60,
        capture_output=True, env={**environment, **variables}, cwd=metaworld_file.parents[2])
    assert done.returncode == 0, done.stderr
    assert 'stepped True' in done.stdout
    assert 'refused no OpenGL context' in done.stdout
    assert warning in done.stderr
