# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The input of a network: a batch of state vectors, of camera images, or of both.

Images stay uint8 until they reach a network, which takes a quarter of the memory and bandwidth of
float32.
"""
from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import NDArray
import torch
from torch import Tensor


@dataclass(frozen=True)
class Observations:
    """B observations."""

    state: Tensor
    """(B, O) float32, in contract units, not normalised."""
    images: Tensor | None = None
    """(B, C, H, W, 3) uint8 RGB of C cameras, or what frozen image networks made of them, (B, C,
    P) float32 (see `remembered_images`), or None."""

    @classmethod
    def from_arrays(cls, state: NDArray, images: NDArray | None,
                    device: torch.device | str) -> Observations:
        """Copy numpy arrays to a device."""
        return cls(torch.tensor(state, device=device),
                   None if images is None else torch.tensor(images, device=device))

    def __len__(self) -> int:
        return len(self.state)

    def __getitem__(self, rows: Tensor | slice) -> Observations:
        return Observations(self.state[rows], None if self.images is None else self.images[rows])

    def to(self, device: torch.device | str) -> Observations:
        """Return the same on a device."""
        return Observations(self.state.to(device),
                            None if self.images is None else self.images.to(device))

    @property
    def device(self) -> torch.device:
        """Return the device of the state."""
        return self.state.device


def joined(parts: list[Observations]) -> Observations:
    """Return the observations of all parts, concatenated."""
    images = [part.images for part in parts if part.images is not None]
    if images and len(images) != len(parts):
        raise ValueError('observations with and without images cannot be joined')
    return Observations(torch.cat([part.state for part in parts]),
                        torch.cat(images) if images else None)
