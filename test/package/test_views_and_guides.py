# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Layouts, guides and their commands name things that exist."""

import json
from pathlib import Path
import re

import pytest
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
import yaml

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / 'docs' / 'how_to').rglob('*.md'))
LAYOUT = json.loads((ROOT / 'config' / 'foxglove' / 'inril.json').read_text(encoding='utf-8'))
TOPICS = {
    'joint_states': 'sensor_msgs/msg/JointState', 'executed_action': 'ExecutedAction',
    'actuation/status': 'ActuationStatus', 'policy/status': 'PolicyStatus',
    'learner/status': 'LearnerStatus'}


def fields(topic):
    kind = TOPICS[topic]
    if '/' in kind:
        return {name for name, _ in get_typestore(Stores.ROS2_JAZZY).types[kind].__annotations__
                .items()}
    text = (ROOT / 'msg' / f'{kind}.msg').read_text(encoding='utf-8')
    (_, (_, members)), *_ = get_types_from_msg(text, f'inril_ros/msg/{kind}').items()
    return {name for name, _ in members}


def test_the_layout_plots_fields_that_messages_have():
    paths = [path['value'] for name, panel in LAYOUT['configById'].items()
             if name.startswith('Plot!') for path in panel['paths']]
    assert len(paths) > 8
    for path in paths:
        topic, _, field = path.lstrip('/').partition('.')
        assert field.removesuffix('[:]') in fields(topic), path


def test_the_layout_places_each_of_its_panels_once():
    def panels(part):
        return [part] if isinstance(part, str) else panels(part['first']) + panels(part['second'])
    placed = panels(LAYOUT['layout'])
    assert sorted(placed) == sorted(LAYOUT['configById'])


def test_rviz_subscribes_with_the_qos_of_sensors():
    text = (ROOT / 'config' / 'rviz' / 'inril.rviz').read_text(encoding='utf-8')
    displays = {each['Name']: each for each in
                yaml.safe_load(text)['Visualization Manager']['Displays']}
    for name in ('Cube', 'Front camera'):
        topic = displays[name]['Topic']
        assert topic['Reliability Policy'] == 'Best Effort' and not topic['Value'].startswith('/')


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
    for name in re.findall(r'config/[\w/.]+\.(?:yaml|sdf|urdf|rviz|json)', text):
        assert (ROOT / name).is_file(), name
