# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reference view, present image and their difference side by side, for a person."""

from collections.abc import Mapping

import numpy as np

from inril_ros.data.cameras.reference_view import ReferenceView
from inril_ros.robot.messages.images import encode_png, resized

_WIDTH, _LINE = 320, 22  # px of an image and of a caption
_TITLES = ('demonstrations', 'now', 'difference')


def view_picture(views: Mapping[str, ReferenceView], images: Mapping[str, np.ndarray]) -> bytes:
    """Return a PNG with one row for each camera of which there is an image (H, W, 3) uint8."""
    rows = [_row(name, views[name].image, image) for name, image in images.items()]
    return encode_png(np.concatenate(rows))


def _row(camera: str, before: np.ndarray, now: np.ndarray) -> np.ndarray:
    import cv2

    height = max(1, round(before.shape[0] * _WIDTH / before.shape[1]))
    difference = 255 - np.abs(now.astype(np.int16) - before).astype(np.uint8)
    cells = []
    for title, image in zip(_TITLES, (before, now, difference), strict=True):
        caption = np.full((_LINE, _WIDTH, 3), 255, np.uint8)
        cv2.putText(caption, f'{camera}: {title}', (4, _LINE - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45,
                    (0, 0, 0), 1, cv2.LINE_AA)
        cells.append(np.concatenate([caption, resized(image, height, _WIDTH)]))
    return np.concatenate(cells, axis=1)
