# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a source is alive: by its arrival times, its stamps, and its content.

A driver that died behind its publisher often goes on sending the last image with new stamps.
Therefore the content counts too: a camera's noise never repeats itself.
"""

from hashlib import blake2b
import math

import numpy as np


class Liveness:
    """One stream, watched by the clock of rules.

    Args:
        name: Name of the stream in messages.
        max_age: [s] A longer silence, or a stamp that doesn't change for longer, is a fault.
        frozen_after: [s] Content that doesn't change for longer is a fault; 0: content is not
            compared.
    """

    def __init__(self, name: str, max_age: float, frozen_after: float = 0.0) -> None:
        self._name = name
        self._max_age = max_age
        self._frozen_after = frozen_after or math.inf
        self._digest = b''
        self.begin(0.0)

    def begin(self, now: float) -> None:
        """Start to watch at ``now`` [s]: silence counts from then on."""
        self._received = self._advanced = self._changed = now
        self._stamp: int | None = None

    def received(self, now: float, stamp: int, content: bytes | np.ndarray) -> None:
        """Record a message.

        Args:
            now: [s] Arrival time by the clock of rules.
            stamp: [ns] The message's own time.
            content: Its content.
        """
        self._received = now
        # A stamp that goes back (a restarted driver, a clock that was set) counts as new.
        if stamp != self._stamp:
            self._stamp, self._advanced = stamp, now
        if self._frozen_after < math.inf:
            digest = blake2b(content, digest_size=16).digest()
            if digest != self._digest:
                self._digest, self._changed = digest, now

    def fault(self, now: float) -> str:
        """Return what is wrong at ``now`` [s]; empty if nothing is."""
        if now - self._received > self._max_age:
            return f'{self._name} is silent'
        if now - self._advanced > self._max_age:
            return f'{self._name}: its stamps stand still'
        if now - self._changed > self._frozen_after:
            return f'{self._name} is frozen: its content does not change'
        return ''
