# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How much of a version is sent again when it is requested: a request is small, weights aren't.

A policy requests what it lacks every two seconds, and a damaged version as a whole. So two whole
versions are sent again at once if need be, and then one in each period. The caller provides the
time.
"""

#: [s] Time in which one whole version may be sent again.
PERIOD = 5.0
#: Whole versions that may be sent again at once.
AT_ONCE = 2.0


class ResendBudget:
    """The pieces that may be sent again to one requester.

    Args:
        now: The time [s].
    """

    def __init__(self, now: float) -> None:
        self._left = AT_ONCE  # whole versions
        self._at = now

    def take(self, wanted: int, whole: int, now: float) -> int:
        """Return how many pieces may be sent again now; they are charged.

        Args:
            wanted: Number of requested pieces.
            whole: Number of pieces of the whole version.
            now: The time [s].
        """
        self._left = min(AT_ONCE, self._left + max(0.0, now - self._at) / PERIOD)
        self._at = now
        granted = min(wanted, int(self._left * whole + 1e-9))
        self._left -= granted / whole
        return granted
