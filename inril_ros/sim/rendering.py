# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of a MuJoCo scene, without a display.

The renderer is made at the first image: it needs OpenGL and takes about a second, which a run
without images should not need.
"""

import mujoco
import numpy as np


class RenderingError(RuntimeError):
    """There is no OpenGL to draw with; the message says what to set."""


class SceneRenderer:
    """Draws one scene, from one thread only: an OpenGL context belongs to a thread."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self._model = model
        self._data = data
        self._renderers: dict[tuple[int, int], mujoco.Renderer] = {}

    def image(self, camera: str, height: int, width: int) -> np.ndarray:
        """Return the image (height, width, 3) uint8 RGB of a camera of the model.

        Raises:
            RenderingError: OpenGL isn't available, or the model has no such camera.
        """
        renderer = self._renderers.get((height, width)) or self._make(height, width)
        try:
            renderer.update_scene(self._data, camera=camera)
        except ValueError as error:
            names = [self._model.camera(index).name for index in range(self._model.ncam)]
            raise RenderingError(f'no camera {camera!r} in the model; it has {names}') from error
        # Shadows and reflections double the time of drawing without a GPU.
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        return renderer.render()

    def close(self) -> None:
        """Release OpenGL."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()

    def _make(self, height: int, width: int) -> mujoco.Renderer:
        # The model's default buffer is 640 x 480: a larger image needs a larger one.
        buffer = self._model.vis.global_
        buffer.offwidth = max(buffer.offwidth, width)
        buffer.offheight = max(buffer.offheight, height)
        try:
            renderer = mujoco.Renderer(self._model, height, width)
        except Exception as error:  # each OpenGL back end raises its own exceptions
            raise RenderingError(
                f'no OpenGL context for images: {error}. Set the environment variable MUJOCO_GL '
                'to egl (a GPU, or Mesa), osmesa (no GPU) or glfw (with a display)') from error
        self._renderers[height, width] = renderer
        return renderer
