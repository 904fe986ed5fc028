# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The reference views of a run's cameras, from the images in its demonstrations."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.data.cameras.reference_view import reduced, reference_view, ReferenceView
from inril_ros.data.demonstrations.camera_frames import camera_frames
from inril_ros.robot.contract.contract import Contract

#: Demonstrations that are read: more make a median no better, and take long.
MOST = 30
_IMAGES = 5  # of each, the first and the last among them

FirstImages = dict[str, dict[str, np.ndarray]]
"""By camera: the first image (H, W, 3) uint8 of each demonstration, by its name."""


def demonstrated_views(
    bags: Sequence[Path], contract: Contract, progress: Callable[[int], None] = lambda done: None,
) -> tuple[dict[str, ReferenceView], FirstImages]:
    """Return the view of each policy camera, and the first images that it was made from.

    Args:
        bags: The demonstrations, ``evenly`` chosen if there are many.
        contract: The robot's contract.
        progress: Called with the number of demonstrations that were read.

    Raises:
        BagError: A demonstration can't be read, or no one has images of a camera.
    """
    cameras = tuple(contract.policy_cameras)
    first: FirstImages = {name: {} for name in cameras}
    later: dict[str, list[np.ndarray]] = {name: [] for name in cameras}
    for done, path in enumerate(bags, start=1):
        shown = camera_frames(path, contract, _IMAGES)
        for name in cameras:
            images = [image for _, image in shown.get(name, ())]
            if images:
                first[name][path.name] = images[0]
                later[name] += [reduced(image) for image in images[1:]]
        progress(done)
    for name in cameras:
        if not first[name]:
            raise BagError(f'none of {len(bags)} demonstrations has images of camera {name}')
    return {name: reference_view([*first[name].values()], later[name])
            for name in cameras}, first


def evenly(bags: Sequence[Path], most: int) -> list[Path]:
    """Return at most so many of the bags, evenly chosen, the first and the last among them."""
    rows = np.unique(np.linspace(0, len(bags) - 1, min(most, len(bags))).round().astype(int))
    return [bags[row] for row in rows]
