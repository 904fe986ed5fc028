# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes of a bright block that moves to a mark: success can be seen, and nothing else helps."""

import numpy as np

from inril_ros.learning.judge.frame_labels import LabelledEpisode, LabelRule
from inril_ros.learning.judge.judge_config import JudgeConfig, JudgeTraining

SIZE, RATE = 24, 20.0
CONFIG = JudgeConfig(cameras=1, image_height=SIZE, image_width=SIZE, image_channels=8,
                     image_stages=1, image_features=8, image_shift=1, width=8)
TRAINING = JudgeTraining(steps=120, batch=32, learning_rate=3e-3, folds=2)


def scene(column, rng):
    """Return one frame (1, H, W, 3): a mark at the right, and a block whose left edge is here."""
    image = rng.integers(0, 40, (SIZE, SIZE, 3))
    image[10:14, 18:22, 1] = 120
    image[9:15, column:column + 5] = 220
    return image[None].astype(np.uint8)


def episode(name, success, seed, frames=16):
    """Return an episode in which the block reaches the mark, or stops halfway."""
    rng = np.random.default_rng(seed)
    end = 17 if success else int(rng.integers(0, 11))
    columns = np.minimum(np.linspace(0, 1.6 * end, frames), end).round().astype(int)
    images = np.stack([scene(column, rng) for column in columns])
    labels = LabelRule(0.2, 0.15).labels(np.arange(frames) / RATE, success)
    return LabelledEpisode(name, images, labels, success)


def episodes(number, first=0):
    """Return as many successes as failures."""
    return [episode(f'{"done" if success else "failed"}-{first + index}', success,
                    1000 * success + first + index)
            for index in range(number) for success in (True, False)]
