# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings file of a fine-tuning session, as the nodes read it."""

from pathlib import Path

from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.session_config import SessionConfig
from inril_ros.robot.yaml_file import load_yaml


def read_session(path: str | Path) -> SessionConfig:
    """Read what a settings file (YAML) says about the session.

    Raises:
        ValueError: The file can't be read or isn't YAML, or a setting is wrong; the message names
            the file.
    """
    return SessionConfig.of_file(path, load_yaml(path, ValueError)[0])


def exploration_of(scale: float, settings: str) -> ExplorationConfig | None:
    """Return the noise on the actions while learning; None if the policy explores by itself.

    Args:
        scale: Standard deviation of the noise; negative: what the host in the settings has.
        settings: Path of the settings (YAML); empty: there are none.

    Raises:
        ValueError: As `read_session`.
    """
    if scale >= 0.0:
        return ExplorationConfig(scale=scale)
    if not settings:
        return None
    return read_session(settings).host.exploration
