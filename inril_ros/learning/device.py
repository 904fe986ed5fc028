# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The device to compute on."""
from __future__ import annotations

import torch


def select_device(name: str) -> torch.device:
    """Return the device for 'auto' (CUDA if there is one), 'cpu', 'cuda' or 'cuda:<n>'.

    Raises:
        ValueError: Another name, or a device that this machine lacks.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    if name == 'cpu':
        return torch.device('cpu')
    kind, _, number = name.partition(':')
    if kind != 'cuda' or not (number == '' or number.isdecimal()):
        raise ValueError(f"device {name!r} is unknown; allowed are 'auto', 'cpu', 'cuda', "
                         "'cuda:<n>'")
    if not torch.cuda.is_available() or int(number or 0) >= torch.cuda.device_count():
        raise ValueError(f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA "
                         "devices; use 'auto' or 'cpu'")
    return torch.device(name)
