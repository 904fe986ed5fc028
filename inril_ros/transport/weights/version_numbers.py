# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bounds of the version numbers that come in.

A learner that came back with less continues its numbers from those that a policy reports, and a
policy accepts only newer ones. So one number near the end of its type would leave none for the
versions that follow, in this process and, by its checkpoint, in every later one. A number is
therefore believed only up to a lead over what is known here.
"""

from inril_ros.transport.weights.manifest import WeightsRefused

#: Largest version and count of updates: exact in JSON and in every programming language.
MOST = 2 ** 53
#: Largest lead. A lost checkpoint costs some versions, a lost run's beginning at most thousands.
LEAD = 1_000_000


def check_version(number: int, known: int) -> None:
    """Check a version number that came in.

    Args:
        number: The number.
        known: The newest version known here.

    Raises:
        WeightsRefused: It is too far ahead.
    """
    most = min(known + LEAD, MOST)
    if number > most:
        raise WeightsRefused(f'version {number} is too far ahead: {known} is the newest one known '
                             f'here, and a number is believed up to {most}')
