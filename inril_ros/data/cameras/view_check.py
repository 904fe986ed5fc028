# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a camera still has the view that it had in the demonstrations.

Each place of the reference view is searched for around where it was (normalised cross-correlation,
so brightness doesn't matter). The shift is what most places agree on; what hides some of them, or
an arm that stands elsewhere, is outvoted.
"""

from dataclasses import dataclass

import numpy as np

from inril_ros.data.audit.camera_checks import is_flat
from inril_ros.data.audit.finding import Finding
from inril_ros.data.cameras.reference_view import look, ReferenceView, work_image

#: Share of the width up to which a shift is measured; beyond it places are not found.
_REACH = 0.15
#: Share of the width by which a place may differ from the common shift: the camera was turned.
_OWN = 0.05
#: Correlation from which a place is found.
_FOUND = 0.7
_PUT_BACK = 'Put the camera back, or accept its view: inril camera renew RUN'
_RECORDED = ('Record it again; or, if the camera stays there, delete the others, then: inril '
             'camera renew RUN --demonstrations')


@dataclass(frozen=True)
class ViewBounds:
    """From where on a view is told of (warn), and from where on nobody acts on it (refuse).

    Where a table of one metre fills the picture, one per cent of its width is a centimetre, which
    decides whether a gripper grasps.

    Attributes:
        warn_shift, refuse_shift: Displacement as a share of the image's width.
        warn_found, refuse_found: Share of the places that are found, below which it is told.
        warn_sharpness: Sharpness as a share of the reference's, below which it is told.
        warn_brightness: Factor by which the image may be darker or brighter.
        warn_saturated: Share of the pixels that may be saturated beyond those of the reference.
    """

    warn_shift: float = 0.01
    refuse_shift: float = 0.03
    warn_found: float = 0.6
    refuse_found: float = 0.3
    warn_sharpness: float = 0.4
    warn_brightness: float = 1.5
    warn_saturated: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 < self.warn_shift <= self.refuse_shift < _REACH:
            raise ValueError(f'warn_shift {self.warn_shift}, refuse_shift {self.refuse_shift}: '
                             f'must be above 0, in this order, and below {_REACH}')


@dataclass(frozen=True)
class ViewMeasurement:
    """An image compared with the reference view of its camera.

    Attributes:
        shift: Shift of what is seen (right, down), as a share of the image's width.
        displacement: Median length of the shifts of single places, which a turned camera has too.
        spread: Median difference of those from the shift.
        found: Share of the places that are found; None: the view has no places.
        sharpness: Ratio to the reference.
        brightness: Ratio to the reference.
        saturated: Share of saturated pixels beyond that of the reference.
        flat: The image shows nothing: it is of one colour.
    """

    shift: tuple[float, float]
    displacement: float
    spread: float
    found: float | None
    sharpness: float
    brightness: float
    saturated: float
    flat: bool


def measure_view(view: ReferenceView, image: np.ndarray) -> ViewMeasurement:
    """Compare an image (H, W, 3) uint8 RGB with a view of the same size.

    Raises:
        ValueError: Its size is another one.
    """
    if image.shape != view.image.shape:
        raise ValueError(f'an image of shape {image.shape}, the reference view has '
                         f'{view.image.shape}')
    sharpness, brightness, saturated = look(image)
    shifts = _shifts(view, work_image(image)) / view.work.shape[1]
    right, down = np.median(shifts, axis=0) if len(shifts) else (0.0, 0.0)
    displacement, spread = (float(np.median(np.hypot(*each.T))) if len(shifts) else 0.0
                            for each in (shifts, shifts - (right, down)))
    return ViewMeasurement(
        (float(right), float(down)), displacement, spread,
        len(shifts) / len(view.places) if view.places else None,
        sharpness / max(view.sharpness, 1e-6), brightness / max(view.brightness, 1e-6),
        saturated - view.saturated, bool(is_flat(image[None])[0]))


def _shifts(view: ReferenceView, now: np.ndarray) -> np.ndarray:
    """Return the shift (right, down) [px] of each place that is found near the common one."""
    import cv2

    width = now.shape[1]
    side, reach, own = view.side, round(_REACH * width), max(2, round(_OWN * width))
    around = cv2.copyMakeBorder(now, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    alike = [np.nan_to_num(cv2.matchTemplate(  # an area without contrast correlates with nothing
        around[y:y + side + 2 * reach, x:x + side + 2 * reach],
        view.work[y:y + side, x:x + side], cv2.TM_CCOEFF_NORMED), posinf=0.0, neginf=0.0)
        for x, y in view.places]
    if not alike:
        return np.zeros((0, 2))
    votes = sum(np.clip(each, 0.0, 1.0) ** 4 for each in alike)  # a clear match counts for more
    down, right = np.unravel_index(votes.argmax(), votes.shape)
    top, left = max(0, down - own), max(0, right - own)
    found = []
    for each in alike:
        near = each[top:down + own + 1, left:right + own + 1]
        y, x = np.unravel_index(near.argmax(), near.shape)
        if near[y, x] >= _FOUND:
            found.append((left + x - reach, top + y - reach))
    return np.array(found, float).reshape(-1, 2)


def view_findings(
    camera: str, measured: ViewMeasurement, width: int, bounds: ViewBounds, episode: str = '',
) -> list[Finding]:
    """Return what is wrong (nobody may act on it) or to be looked at in the view of a camera.

    Args:
        camera: Name of the camera.
        measured: Its image against its reference view.
        width: Width of its image [px].
        bounds: From where on something is told.
        episode: Name of the episode whose image it is, if it is not that of now.
    """
    def finding(wrong: bool, kind: str, what: str, advice: str = '') -> Finding:
        return Finding('wrong' if wrong else 'look at this', f'camera {camera} {what}',
                       advice or (_RECORDED if episode else _PUT_BACK),
                       kind, episode, camera)

    if measured.flat:
        return [finding(True, 'dead camera', 'shows nothing: its image is of one colour',
                        'Is it covered or dead?')]
    found = []
    unknown = measured.found is not None and measured.found < bounds.refuse_found
    if measured.found is not None and measured.found < bounds.warn_found:
        found.append(finding(
            unknown, 'another view', f'shows only {100 * measured.found:.0f} % of what it showed '
            'in the demonstrations: it looks elsewhere, or something stands before it'))
    if measured.displacement >= bounds.warn_shift and not unknown:
        found.append(finding(measured.displacement >= bounds.refuse_shift, 'moved camera',
                             _in_words(measured, width)))
    for kind, wrong, what in (
            ('blurred camera', measured.sharpness < bounds.warn_sharpness,
             f'is blurred: its sharpness is {measured.sharpness:.2f} of what it was'),
            ('exposure', not 1 / bounds.warn_brightness <= measured.brightness
             <= bounds.warn_brightness,
             f'is {measured.brightness:.2f} times as bright as it was'),
            ('exposure', measured.saturated > bounds.warn_saturated,
             f'is overexposed: {100 * measured.saturated:.0f} % more of its pixels are '
             'saturated')):
        if wrong:
            found.append(finding(False, kind, what, 'Look at the picture: focus, dirt, light'))
    return found


def _in_words(measured: ViewMeasurement, width: int) -> str:
    """Return in words where a view has gone; the scene goes the other way than the camera."""
    right, down = (width * value for value in measured.shift)
    if measured.spread > 0.4 * measured.displacement:
        return ('is turned, or nearer or farther: what it shows is displaced by '
                f'{width * measured.displacement:.0f} px of {width}')
    length = np.hypot(right, down)
    ways = [f'{abs(value):.0f} px {way}' for value, way in (
        (right, 'to the right' if right > 0 else 'to the left'),
        (down, 'down' if down > 0 else 'up')) if abs(value) >= 0.2 * length]
    return f'is moved: what it shows is shifted by {" and ".join(ways)} of {width}'
