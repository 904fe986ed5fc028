# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A drawn scene: a table with texture, things that lie elsewhere in each episode, an arm."""

import cv2
import numpy as np

HEIGHT, WIDTH = 96, 128
_MARGIN = 40


def _table():
    random = np.random.default_rng(7)
    table = np.full((HEIGHT + 2 * _MARGIN, WIDTH + 2 * _MARGIN, 3), 120, np.uint8)
    for _ in range(90):
        x, y = random.integers(0, table.shape[1]), random.integers(0, table.shape[0])
        colour = random.integers(30, 230, 3).tolist()
        cv2.rectangle(table, (x, y), (x + 25, y + 18), colour, -1)
    return cv2.GaussianBlur(table, (0, 0), 1.0)


TABLE = _table()


def image(episode, right=0.0, down=0.0, degrees=0.0, arm=0):
    """What the camera shows in an episode, shifted [px], turned, with the arm elsewhere [px]."""
    random = np.random.default_rng(100 + episode)
    scene = TABLE.copy()
    x, y = random.integers(_MARGIN + 30, _MARGIN + 80, 2)
    cv2.circle(scene, (int(x), int(y)), 7, random.integers(0, 255, 3).tolist(), -1)
    cv2.line(scene, (_MARGIN + 20 + arm, 0), (_MARGIN + 60 + arm, _MARGIN + 45), (200, 30, 30), 12)
    middle = (scene.shape[1] / 2, scene.shape[0] / 2)
    moved = cv2.getRotationMatrix2D(middle, degrees, 1.0) + [[0, 0, right], [0, 0, down]]
    seen = cv2.warpAffine(scene, moved, scene.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    seen = seen[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return np.clip(seen + random.normal(0.0, 4.0, seen.shape), 0, 255).astype(np.uint8)


def on_the_hand(episode, moment):
    """What a camera on the hand shows: the table from elsewhere at each moment."""
    random = np.random.default_rng(1000 * episode + moment)
    x, y = random.integers(0, 2 * _MARGIN, 2)
    return np.ascontiguousarray(TABLE[y:y + HEIGHT, x:x + WIDTH])


def demonstrated(number=8):
    """First and later images of demonstrations, in which the arm moves."""
    first = [image(episode) for episode in range(number)]
    return first, [image(episode, arm=arm) for episode in range(number) for arm in (8, 16, 24)]
