# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Turns a camera of the simulation, in the process of sim_node only: somebody ran into its tripod.

Python imports this file when it starts, if the folder is in PYTHONPATH. MOVED_PIXELS says by how
many pixels of its image the camera is turned to the right.
"""

import os
import sys

if os.environ.get('MOVED_PIXELS') and any('sim_node' in part for part in sys.orig_argv):
    import mujoco
    import numpy as np

    update_scene = mujoco.Renderer.update_scene

    def moved(renderer, data, camera):
        if not hasattr(renderer, 'moved'):
            renderer.moved, model = True, renderer._model
            focus = renderer.height / 2 / np.tan(np.radians(model.camera(camera).fovy[0]) / 2)
            turn, turned = np.zeros(4), np.zeros(4)
            angle = np.arctan(float(os.environ['MOVED_PIXELS']) / focus)
            mujoco.mju_axisAngle2Quat(turn, np.array([0.0, 1.0, 0.0]), angle)
            mujoco.mju_mulQuat(turned, model.camera(camera).quat, turn)
            model.camera(camera).quat[:] = turned
            mujoco.mj_camlight(model, data)
        update_scene(renderer, data, camera)

    mujoco.Renderer.update_scene = moved
