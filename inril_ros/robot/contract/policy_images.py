# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The camera images that a policy gets.

Cameras differ in size and rate, and networks need one size: the contract says once which cameras
the policy uses and the size of its images, so that recording, cloning and acting agree.
"""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.rules import Positive, STRICT

_Pixels = Annotated[int, Field(ge=8, le=512)]


@dataclass(frozen=True, config=STRICT)
class PolicyImages:
    """The images of a policy observation.

    Attributes:
        cameras: Names of cameras, in the order in which the policy gets their images.
        width: [pixel] Width to which all images are scaled.
        height: [pixel] Height to which all images are scaled.
        max_age: [s] An older image makes the frame invalid. At least the camera's period.
    """

    cameras: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]
    width: _Pixels = 128
    height: _Pixels = 128
    max_age: Positive = 0.2

    def __post_init__(self) -> None:
        if len(set(self.cameras)) != len(self.cameras):
            raise ValueError(f'cameras: {list(self.cameras)} names one twice')
