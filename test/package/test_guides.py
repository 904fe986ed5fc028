# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Guides and their commands name things that exist."""

from pathlib import Path
import re

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / 'docs' / 'how_to').rglob('*.md'))


@pytest.mark.parametrize('guide', GUIDES, ids=lambda path: path.name)
def test_links_of_a_guide_have_targets(guide):
    links = re.findall(r'\]\((?!https?:)([^)#]+)\)', guide.read_text(encoding='utf-8'))
    for link in links:
        assert (guide.parent / link).exists(), link


@pytest.mark.parametrize('guide', GUIDES, ids=lambda path: path.name)
def test_launch_commands_of_a_guide_name_existing_files_and_arguments(guide):
    text = guide.read_text(encoding='utf-8').replace('\\\n', ' ')
    known = re.findall(r"^    '(\w+)': \(", (ROOT / 'launch' / 'robot.launch.py').read_text(
        encoding='utf-8'), re.MULTILINE)
    for name, rest in re.findall(r'ros2 launch inril_ros (\S+)([^\n#`]*)', text):
        file = ROOT / 'launch' / name
        assert file.is_file(), name
        own = re.findall(r"DeclareLaunchArgument\(\s*'(\w+)'", file.read_text(encoding='utf-8'))
        for argument in re.findall(r'(\w+):=', rest):
            assert argument in {*known, *own}, f'{name} {argument}'


@pytest.mark.parametrize('guide', GUIDES, ids=lambda path: path.name)
def test_contracts_that_a_guide_names_exist(guide):
    text = guide.read_text(encoding='utf-8')
    for name in re.findall(r'config/[\w/.]+\.(?:yaml|sdf|urdf|json)', text):
        assert (ROOT / name).is_file(), name
