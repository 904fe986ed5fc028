# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Profiles of Fast DDS in ``config/dds``, which a process uses if its user has not chosen."""

from collections.abc import MutableMapping
import os

from inril_ros.robot.configuration_folder import configuration_folder

#: Variables that name a profile of Fast DDS 3 and of Fast DDS 2 (Jazzy, Humble).
PROFILE_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
#: Variables by which a user chooses the transports of Fast DDS; they take precedence.
VARIABLES = (*PROFILE_VARIABLES, 'FASTDDS_BUILTIN_TRANSPORTS')


def chosen(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Return whether the user has chosen a profile or transports."""
    return any(environment.get(name) for name in VARIABLES)


def use_profile(name: str, environment: MutableMapping[str, str] = os.environ) -> None:
    """Make Fast DDS load a profile; call it before rclpy is initialised.

    Raises:
        FileNotFoundError: The package's configuration isn't installed.
    """
    profile = str(configuration_folder() / 'dds' / f'{name}.xml')
    environment.update(dict.fromkeys(PROFILE_VARIABLES, profile))
