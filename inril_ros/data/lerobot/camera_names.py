# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cameras of a contract in a dataset: found by name, or named by the user, or refused."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from inril_ros.data.lerobot.format import image_key, LeRobotError
from inril_ros.data.lerobot.names import words_of
from inril_ros.robot.contract.contract import Contract

#: Words of an image's name that say nothing about which camera it is of.
_ANY = {'observation', 'image', 'images', 'cam', 'camera', 'rgb', 'color', 'colour'}


def find_cameras(
    contract: Contract, features: Mapping[str, Any], given: Mapping[str, str], what: str,
) -> dict[str, str]:
    """Return the image feature of each of the policy's cameras.

    Raises:
        LeRobotError: One isn't found, or two are the same.
    """
    images = [name for name, feature in features.items()
              if feature.get('dtype') in ('image', 'video') or 'image' in name]
    cameras = list(contract.policy_cameras)
    found = {camera: _found(camera, images, given) for camera in cameras}
    taken = [fit[0] for fit in found.values() if len(fit) == 1]
    wrong = [camera for camera, fit in found.items()
             if len(fit) != 1 or (taken.count(fit[0]) > 1 and camera not in given)]
    if not wrong:
        return {camera: fit[0] for camera, fit in found.items()}
    width = max(map(len, cameras))
    rows = '\n'.join(f'  {ours:{width}}  {theirs}' for ours, theirs in zip_longest(
        cameras, images, fillvalue=''))
    options = [f'--map {camera}={_guess(camera, images)}' for camera in wrong]
    asked = ', '.join(f'{camera} ({given[camera]})' if camera in given else camera
                      for camera in wrong)
    raise LeRobotError(
        f'{what}: cameras are found by name, and these are not, or not alone: {asked}. Cameras of '
        f'the contract and images of the dataset:\n{rows}\nSay which is which: '
        f'{" ".join(options)}')


def _found(camera: str, images: list[str], given: Mapping[str, str]) -> list[str]:
    """Return the images that can be a camera's: one, none, or several."""
    wanted = given.get(camera, image_key(camera))
    exact = [name for name in images if name in (wanted, image_key(wanted))]
    if exact or camera in given:
        return exact
    return [name for name in images if _core(name) == _core(camera) != []]


def _core(name: str) -> list[str]:
    return [word for word in words_of(name) if word not in _ANY]


def _guess(camera: str, images: list[str]) -> str:
    """Return the image that may be meant, or dots."""
    near = [name for name in images if set(_core(camera)) & set(_core(name))] or images
    return near[0] if len(near) == 1 else '...'
