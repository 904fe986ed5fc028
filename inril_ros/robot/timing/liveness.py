# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a source is alive: by when it speaks, by its stamps, and by whether it says anything.

A driver that died behind its publisher often goes on sending the last picture with new stamps.
So what is sent counts too: a camera's noise never repeats itself.
"""

from hashlib import blake2b
import math

import numpy as np


class Liveness:
    """One stream, watched by a steady clock.

    Args:
        name: Of the stream, for the reason.
        max_age: [s] A longer silence, or stamps that stand still for longer, are a fault.
        frozen_after: [s] The same content for longer is one; 0: content doesn't count.
    """

    def __init__(self, name: str, max_age: float, frozen_after: float = 0.0) -> None:
        self._name = name
        self._max_age = max_age
        self._frozen_after = frozen_after or math.inf
        self._digest = b''
        self.begin(0.0)

    def begin(self, now: float) -> None:
        """Start to watch at ``now`` [s]: silence counts from here on."""
        self._heard = self._advanced = self._changed = now
        self._stamp: int | None = None

    def see(self, now: float, stamp: int, content: bytes | np.ndarray) -> None:
        """Take note of a message.

        Args:
            now: [s] When it came, by a steady clock.
            stamp: [ns] Its own.
            content: What it holds.
        """
        self._heard = now
        # A stamp that went back (a restarted driver, a jump of its clock) is a new beginning.
        if stamp != self._stamp:
            self._stamp, self._advanced = stamp, now
        if self._frozen_after < math.inf:
            digest = blake2b(content, digest_size=16).digest()
            if digest != self._digest:
                self._digest, self._changed = digest, now

    def fault(self, now: float) -> str:
        """Say what is wrong at ``now`` [s]; empty if nothing is."""
        if now - self._heard > self._max_age:
            return f'{self._name} is silent'
        if now - self._advanced > self._max_age:
            return f'{self._name}: its stamps stand still'
        if now - self._changed > self._frozen_after:
            return f'{self._name} is frozen: its content does not change'
        return ''
