# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The reference views of a run's cameras, from the images in its demonstrations."""

from collections.abc import Callable, Sequence

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.data.cameras.reference_view import reduced, reference_view, ReferenceView
from inril_ros.data.demonstrations.camera_frames import camera_frames
from inril_ros.data.demonstrations.pieces import Piece
from inril_ros.robot.contract.contract import Contract

#: Demonstrations that are read: more make a median no better, and take long.
MOST = 30
_IMAGES = 5  # of each, the first and the last among them

FirstImages = dict[str, dict[str, np.ndarray]]
"""By camera: the first image (H, W, 3) uint8 of each demonstration, by its name."""


def demonstrated_views(
    pieces: Sequence[Piece], contract: Contract,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[dict[str, ReferenceView], FirstImages]:
    """Return the view of each policy camera, and the first images that it was made from.

    Args:
        pieces: The demonstrations, ``evenly`` chosen if there are many.
        contract: The robot's contract.
        progress: Called with the number of demonstrations that were read.

    Raises:
        BagError: A demonstration can't be read, or no one has images of a camera.
    """
    cameras = tuple(contract.policy_cameras)
    first: FirstImages = {name: {} for name in cameras}
    later: dict[str, list[np.ndarray]] = {name: [] for name in cameras}
    for done, piece in enumerate(pieces, start=1):
        shown = camera_frames(piece.path, contract, _IMAGES, piece)
        for name in cameras:
            images = [image for _, image in shown.get(name, ())]
            if images:
                first[name][piece.name] = images[0]
                later[name] += [reduced(image) for image in images[1:]]
        progress(done)
    for name in cameras:
        if not first[name]:
            raise BagError(f'none of {len(pieces)} demonstrations has images of camera {name}')
    return {name: reference_view([*first[name].values()], later[name])
            for name in cameras}, first


def evenly(pieces: Sequence[Piece], most: int) -> list[Piece]:
    """Return at most so many demonstrations, evenly chosen, the first and the last included."""
    rows = np.unique(np.linspace(0, len(pieces) - 1, min(most, len(pieces))).round().astype(int))
    return [pieces[row] for row in rows]
