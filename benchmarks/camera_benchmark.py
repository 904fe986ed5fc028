# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How often a camera that stands still is said to be moved, and one that was moved is not found.

Simulated cameras of config/simulations/metaworld_cameras.yaml; the camera in front is turned in
the simulation, images of both are shifted, darkened, blurred and hidden.

    python benchmarks/camera_benchmark.py --out docs/studies/camera_check
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
import time

import cv2
import mujoco
import numpy as np

from inril_ros.data.cameras.reference_view import reference_view, ReferenceView
from inril_ros.data.cameras.view_check import measure_view, view_findings, ViewBounds
from inril_ros.data.record_files import write_json
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.messages.images import decode_image, encode_jpeg
from inril_ros.sim.environment import make_operator, make_simulation

_CONFIG = Path(__file__).resolve().parents[1] / 'config'
_MAPPING = _CONFIG / 'simulations/metaworld_cameras.yaml'
_TASKS = ('button-press', 'coffee-push', 'door-open', 'drawer-open', 'peg-insert', 'pick-place',
          'push', 'reach')
_DEMONSTRATIONS, _EVERY = 10, 20  # ticks between two images of them
_TURNED = 25  # starts at which the camera is turned in the simulation
_WAYS = {'right': ((0, 1, 0), 1), 'left': ((0, 1, 0), -1), 'up': ((1, 0, 0), 1),
         'down': ((1, 0, 0), -1)}
_NOISE = np.random.default_rng(0).normal(0.0, 8.0, (128, 128, 3))


class Cameras:
    """The simulated cameras of a task, whose front camera can be turned."""

    def __init__(self, task: str, contract: Contract) -> None:
        self.robot = make_simulation(_MAPPING, task, contract)
        self._contract = contract
        self._model, self._data = self.robot._env.model, self.robot._env.data
        self._front = self._model.camera('corner4')
        self._pose = self._front.quat.copy()
        self.focus = contract.cameras['front'].height / 2 / np.tan(
            np.radians(self._front.fovy[0]) / 2)

    def image(self, name: str) -> np.ndarray:
        """Return what the policy would get of a camera, (H, W, 3) uint8."""
        return decode_image(encode_jpeg(self.robot.image(name)), self._contract.cameras[name])

    def turned(self, axis: tuple[int, int, int], angle: float) -> np.ndarray:
        """Return the image of the front camera if it is turned by an angle [rad]."""
        turn = np.zeros(4)
        mujoco.mju_axisAngle2Quat(turn, np.array(axis, float), angle)
        mujoco.mju_mulQuat(self._front.quat, self._pose, turn)
        mujoco.mj_camlight(self._model, self._data)
        shown = self.image('front')
        self._front.quat[:] = self._pose
        mujoco.mj_camlight(self._model, self._data)
        return shown


def demonstrated(cameras: Cameras, task: str, contract: Contract) -> dict[str, ReferenceView]:
    """Return the reference views of the demonstrations of the scripted operator."""
    operator = make_operator(task, contract, 0.3, _MAPPING)
    first: dict[str, list[np.ndarray]] = {name: [] for name in contract.cameras}
    later: dict[str, list[np.ndarray]] = {name: [] for name in contract.cameras}
    for number in range(_DEMONSTRATIONS):
        state = cameras.robot.reset(50_000 + number)
        operator.begin(number)
        for tick in range(contract.time_limit_ticks):
            if tick % _EVERY == 0:
                for name in contract.cameras:
                    (later if tick else first)[name].append(cameras.image(name))
            state = cameras.robot.step(operator.command(state.values))
            if state.outcome == 'success':
                break
    return {name: reference_view(first[name], later[name]) for name in contract.cameras}


def started(cameras: Cameras, starts: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (camera, what was done, image) of starts whose objects differ."""
    random = np.random.default_rng(1)
    for number in range(starts):
        cameras.robot.reset(1000 + number)
        for name in ('front', 'wrist'):
            shown = cameras.image(name)
            yield name, 'nothing', shown
            yield from ((name, what, change(shown, number)) for what, change in _CHANGES.items())
        if number < _TURNED:
            for pixels in (2, 5, 10):
                for axis, sign in _WAYS.values():
                    yield 'front', f'turned by {pixels} px', cameras.turned(
                        axis, sign * np.arctan(pixels / cameras.focus))
            for degrees in (1, 2, 5):
                yield 'front', f'rolled by {degrees} degrees', cameras.turned(
                    (0, 0, 1), np.radians(degrees))
        if number < starts // 2:
            way = np.append(random.uniform(-0.6, 0.6, 3), 0.0)
            for _ in range(20):
                cameras.robot.step(way)
            for name in ('front', 'wrist'):
                yield name, 'arm elsewhere', cameras.image(name)


def _shifted(pixels: int) -> Callable[[np.ndarray, int], np.ndarray]:
    def change(image: np.ndarray, number: int) -> np.ndarray:
        right, down = ((pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels))[number % 4]
        return cv2.warpAffine(image, np.float32([[1, 0, right], [0, 1, down]]),
                              image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    return change


def _half_hidden(image: np.ndarray, number: int) -> np.ndarray:
    hidden = image.copy()
    hidden[:, :image.shape[1] // 2] = 90
    return hidden


_CHANGES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    **{f'shifted by {pixels} px': _shifted(pixels) for pixels in (1, 2, 5, 10, 25)},
    'noise of 8 grey levels': lambda image, _: np.clip(image + _NOISE, 0, 255).astype(np.uint8),
    'a fifth darker': lambda image, _: (0.8 * image).astype(np.uint8),
    'half as bright': lambda image, _: (0.5 * image).astype(np.uint8),
    'blurred by 1 px': lambda image, _: cv2.GaussianBlur(image, (0, 0), 1.0),
    'half of it hidden': _half_hidden,
    'mirrored': lambda image, _: np.ascontiguousarray(image[:, ::-1]),
    'black': lambda image, _: 0 * image,
}


def main() -> None:
    """Measure, and write ``figures.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--starts', type=int, default=130)
    parser.add_argument('--tasks', nargs='+', default=_TASKS)
    arguments = parser.parse_args()
    contract = load_contract(_CONFIG / 'robots/metaworld_sawyer_cameras.yaml')
    bounds = ViewBounds()
    counts: dict[tuple[str, str], list[int]] = {}
    pixels: dict[tuple[str, str], list[float]] = {}
    places, seconds = {}, []
    for task in arguments.tasks:
        cameras = Cameras(task, contract)
        views = demonstrated(cameras, task, contract)
        places[task] = {name: len(view.places) for name, view in views.items()}
        for name, what, image in started(cameras, arguments.starts):
            began = time.perf_counter()
            measured = measure_view(views[name], image)
            seconds.append(time.perf_counter() - began)
            findings = {each.verdict for each in view_findings(
                name, measured, image.shape[1], bounds)}
            row = counts.setdefault((name, what), [0, 0, 0])
            row[0] += 1
            row[1] += findings == {'look at this'}
            row[2] += 'wrong' in findings
            pixels.setdefault((name, what), []).append(measured.displacement * image.shape[1])
        cameras.robot.close()
        print(task, places[task], flush=True)
    rows = [{'camera': name, 'what': what, 'images': number, 'told': told, 'refused': refused,
             'displacement': [round(float(value), 2) for value in np.percentile(
                 pixels[name, what], (5, 50, 95))]}
            for (name, what), (number, told, refused) in sorted(counts.items())]
    for row in rows:
        print('| ' + ' | '.join(str(value) for value in row.values()) + ' |')
    write_json(arguments.out / 'figures.json', {
        'tasks': places, 'starts': arguments.starts, 'rows': rows,
        'milliseconds': {'median': 1e3 * float(np.median(seconds)),
                         'worst': 1e3 * max(seconds)}}, replace=True)


if __name__ == '__main__':
    main()
