# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the nodes take from the settings file of a session."""

from pathlib import Path

import pytest

from inril_ros.learning.session_config import SessionConfig
from inril_ros.nodes.learner.session_file import exploration_of, read_session


@pytest.mark.parametrize(('scale', 'settings', 'expected'), [
    (-1.0, '{host: {name: residual_sac, exploration_scale: 0.25}}', 0.25),
    (0.1, '{host: {name: residual_sac, exploration_scale: 0.25}}', 0.1),
    (-1.0, '{host: dppo}', None), (-1.0, '', 0.1), (-1.0, None, None), (0.0, None, 0.0)])
def test_the_robot_explores_as_the_host_in_the_settings_unless_told_otherwise(
        scale: float, settings: str | None, expected: float | None, tmp_path: Path) -> None:
    path = tmp_path / 'settings.yaml'
    if settings is not None:
        path.write_text(settings)
    found = exploration_of(scale, '' if settings is None else str(path))
    assert (None if found is None else found.scale) == expected


def test_what_a_settings_file_says_about_evaluation_is_not_the_session_s(tmp_path):
    path = tmp_path / 'settings.yaml'
    path.write_text('{m: 7, evaluation: {every: 300, episodes: 4}}')
    assert read_session(path) == SessionConfig(m=7)
    path.write_text('{m: 7, evaluations: 3}')
    with pytest.raises(ValueError, match='evaluations'):
        read_session(path)
    path.write_text('')
    assert read_session(path) == SessionConfig()


def test_an_error_names_the_file(tmp_path):
    path = tmp_path / 'settings.yaml'
    with pytest.raises(ValueError, match=f'{path}.*cannot be read'):
        read_session(path)
    for text in ('m: -1', 'm: 7\nm: 8', 'host: [idql]', '[m, 7]', '{m: '):
        path.write_text(text)
        with pytest.raises(ValueError, match=str(path)):
            read_session(path)
