# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The view that a camera had in the demonstrations.

Objects and arm are elsewhere in each episode. So a view is a median image with the *places* in it
that show the same in almost all images, those from later in the episodes among them: what the
camera's mount alone decides. A camera on the hand has such places only where it sees its own hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from inril_ros.robot.messages.images import resized

#: [px] Width from which images are reduced for the comparison: a shift is a share of the width.
WORK_WIDTH = 160
#: A place is a square of this share of the width; so many fit into a square image twice over.
_PLACES_ACROSS = 8
#: Grey levels: with less contrast a place is found everywhere.
_CONTRAST = 4.0
#: An image shows a place if they correlate as much as this; so many images must.
_ALIKE, _SHARE = 0.8, 0.8
#: Share of all squares of the image that must be places, so that a few chance ones decide nothing.
_FEWEST = 0.1
#: Grey level from which a pixel counts as saturated.
_SATURATED = 250


@dataclass(frozen=True)
class ReferenceView:
    """A camera's view in the demonstrations.

    Attributes:
        image: (H, W, 3) uint8 RGB, median of the first images, in the size in which they come.
        places: Left upper corners (x, y) [px] of the places, in the image as ``work_image`` makes
            it. Empty: there are too few, and a shift of this camera can't be measured.
        sharpness: Variance of the Laplacian, the least of the first images.
        brightness: Mean grey level, 0 to 255, the median of the first images.
        saturated: Share of the pixels that are saturated, the largest of the first images.
        work: (h, w) float32, the image as ``work_image`` makes it.
    """

    image: np.ndarray
    places: tuple[tuple[int, int], ...]
    sharpness: float
    brightness: float
    saturated: float
    work: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, 'work', work_image(self.image))

    @property
    def side(self) -> int:
        """Width and height of a place in the work image [px]."""
        return place_side(self.work.shape[1])


def reference_view(
    first: Sequence[np.ndarray], later: Sequence[np.ndarray] = (),
) -> ReferenceView:
    """Return the view that images of a camera have in common.

    Args:
        first: First images of episodes, (H, W, 3) uint8 RGB.
        later: Images from later in the episodes, which may be ``reduced``.

    Raises:
        ValueError: There is no first image, or sizes differ.
    """
    works = [work_image(image) for image in (*first, *later)]
    if not len(first) or len({work.shape for work in works}) > 1 \
            or len({image.shape for image in first}) > 1:
        raise ValueError(f'{len(first)} first images, of the sizes '
                         f'{sorted({image.shape for image in first})}: a view needs images of '
                         'one size')
    image = np.median(np.stack(first), axis=0).astype(np.uint8)
    looks = np.array([look(each) for each in first])
    return ReferenceView(
        image, _places(work_image(image), works),
        float(looks[:, 0].min()), float(np.median(looks[:, 1])), float(looks[:, 2].max()))


def renewed(view: ReferenceView, image: np.ndarray) -> ReferenceView:
    """Return a view that is what one new image (H, W, 3) uint8 shows.

    One image doesn't tell what is fixed: all of it that has contrast is. A camera that had no
    places has none.
    """
    new = reference_view([image])
    return new if view.places else replace(new, places=())


def work_image(image: np.ndarray) -> np.ndarray:
    """Return an image (H, W, 3) uint8 as it is compared: (h, w) float32 grey, small, smoothed."""
    import cv2  # only where cameras are used: it takes 0.2 s to import

    return cv2.GaussianBlur(_small_grey(image), (0, 0), 1.0).astype(np.float32)


def look(image: np.ndarray) -> tuple[float, float, float]:
    """Return sharpness, brightness and saturated share of an image (H, W, 3) uint8."""
    import cv2

    grey = _small_grey(image)
    return (float(cv2.Laplacian(grey, cv2.CV_32F).var()), float(grey.mean()),
            float((image.max(axis=2) >= _SATURATED).mean()))


def place_side(width: int) -> int:
    """Return width and height of a place in a work image of a width [px]."""
    return max(4, width // _PLACES_ACROSS)


def reduced(image: np.ndarray) -> np.ndarray:
    """Return an image (H, W, 3) uint8 at most WORK_WIDTH wide."""
    height, width = image.shape[:2]
    if width <= WORK_WIDTH:
        return image
    return resized(image, max(1, round(height * WORK_WIDTH / width)), WORK_WIDTH)


def _small_grey(image: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.cvtColor(reduced(image), cv2.COLOR_RGB2GRAY)


def _places(view: np.ndarray, images: Sequence[np.ndarray]) -> tuple[tuple[int, int], ...]:
    """Return the places of a view (h, w) that almost all images (h, w) show."""
    height, width = view.shape
    side, stack = place_side(width), np.stack(images)
    squares = [(x, y) for y in range(0, height - side + 1, side)
               for x in range(0, width - side + 1, side)]
    found = []
    for x, y in squares:
        here = view[y:y + side, x:x + side]
        if here.std() < _CONTRAST:
            continue
        shown = stack[:, y:y + side, x:x + side]
        here = here - here.mean()
        shown = shown - shown.mean(axis=(1, 2), keepdims=True)
        norms = np.sqrt((here ** 2).sum() * (shown ** 2).sum(axis=(1, 2)))
        alike = (here * shown).sum(axis=(1, 2)) >= _ALIKE * np.maximum(norms, 1e-6)
        if alike.mean() >= _SHARE:
            found.append((x, y))
    return tuple(found) if len(found) >= _FEWEST * len(squares) else ()
