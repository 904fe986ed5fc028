# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Structural rules that a reader can rely on, checked in the sources.

Learning can be read and run without ROS, the nodes that command the robot never load torch, and
no data file can run code. Imports are read with `ast`, not executed:
an import inside a function counts as well.
"""

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
import re
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / 'inril_ros'
SOURCES = sorted(PACKAGE.rglob('*.py'))
PYTHON = sorted([*SOURCES, *(ROOT / 'test').rglob('*.py'), *(ROOT / 'launch').rglob('*.py'),
                 ROOT / 'setup.py'])

# Rooms of the package that the modules of a room may import, besides their own.
MAY_IMPORT = {
    'learning': set(),
    'data': {'robot'},  # one alignment code, by the contract, live and from a bag
    'robot': set(),
    'transport': set(),
    'sim': {'robot', 'data'},
    'bench': {'learning', 'sim', 'robot', 'data'},
    'nodes': {'transport', 'robot', 'data', 'learning', 'sim', 'doctor', 'msg'},
    'doctor': {'robot'},
    'graph': {'transport', 'robot', 'data', 'learning', 'msg'},  # learning: its settings
    'faults': {'graph', 'nodes', 'transport', 'robot', 'data', 'learning', 'msg'},
    'console': {'graph', 'nodes', 'data', 'robot', 'msg'},
    'cli': {'console', 'faults', 'graph', 'nodes', 'doctor', 'bench', 'sim', 'transport', 'robot',
            'data', 'learning', 'msg'},
}
ROS = {'rclpy', 'launch', 'launch_ros', 'rosidl_runtime_py', 'message_filters', 'tf2_ros'}
MAY_IMPORT_TORCH = ('learning/', 'bench/', 'faults/', 'cli/', 'nodes/policy_node.py',
                    'nodes/learner_node.py', 'nodes/reward_node.py')
# Safe formats replace them: safetensors and JSON.
UNSAFE = {'pickle', 'cPickle', 'cloudpickle', 'dill', 'joblib', 'marshal', 'shelve'}
UNSAFE_CALLS = {('torch', 'load'), ('torch', 'save'), ('yaml', 'load'), ('yaml', 'unsafe_load'),
                ('yaml', 'full_load')}
FORBIDDEN_NAMES = {'utils', 'util', 'helpers', 'helper', 'common', 'manager', 'misc'}
HEADER = '# Copyright 2026 inril_ros contributors\n# SPDX-License-Identifier: Apache-2.0\n'


def imports(path, text=None):
    """Yield the absolute names of all modules that a file imports."""
    parts = path.relative_to(ROOT).with_suffix('').parts
    tree = ast.parse(path.read_text() if text is None else text, filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = '.'.join(parts[:-node.level]) if node.level else ''
            module = '.'.join(part for part in (above, node.module) if part)
            yield module
            # `from inril_ros import robot` names the room after `import`.
            yield from (f'{module}.{alias.name}' for alias in node.names)


def room(path):
    return path.relative_to(PACKAGE).parts[0]


def relative(path):
    return str(path.relative_to(ROOT))


def test_relative_imports_and_those_in_functions_are_seen():
    text = ('def f():\n    from ..robot import contract\n    import rclpy.node\n'
            'from . import bags\n')
    seen = set(imports(PACKAGE / 'data' / 'bags.py', text))
    assert {'inril_ros.robot', 'inril_ros.robot.contract', 'rclpy.node',
            'inril_ros.data.bags'} <= seen


def test_every_room_has_import_rules():
    assert {path.parent.name for path in PACKAGE.glob('*/__init__.py')} == set(MAY_IMPORT)
    assert [path.name for path in PACKAGE.glob('*.py')] == ['__init__.py']


def test_imports_go_downwards_only():
    offenders = [
        f'{relative(path)} imports {module}'
        for path in SOURCES if path.parent != PACKAGE
        for module in imports(path) if module.startswith('inril_ros.')
        and module.split('.')[1] not in MAY_IMPORT[room(path)] | {room(path)}]
    assert not offenders


def test_only_nodes_import_ros():
    offenders = [f'{relative(path)} imports {module}'
                 for path in SOURCES if not path.is_relative_to(PACKAGE / 'nodes')
                 for module in imports(path) if module.split('.')[0] in ROS]
    assert not offenders


def test_torch_is_imported_where_it_is_expected():
    offenders = [
        relative(path) for path in SOURCES
        if not str(path.relative_to(PACKAGE)).startswith(MAY_IMPORT_TORCH)
        and any(module.split('.')[0] == 'torch' for module in imports(path))]
    assert not offenders


def module_name(path):
    return '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')


def import_graph(sources):
    """Return the package modules that each module imports, also only for types."""
    names = {module_name(path) for path in sources}
    return {module_name(path): {found for found in imports(path) if found in names}
            for path in sources}


def circle(graph):
    """Return a circle of a graph, or None."""
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_through_others():
    # `import a.b` names the package `a` too; packages hold a docstring alone.
    graph = import_graph([path for path in SOURCES if path.stem != '__init__'])
    assert not circle(graph)


def test_a_circle_is_found():
    assert circle({'a': {'b'}, 'b': {'c'}, 'c': {'a'}, 'd': {'a'}})


def test_no_two_folders_import_each_other():
    folders = {}
    for name, needed in import_graph(SOURCES).items():
        folder = name.rpartition('.')[0]
        folders.setdefault(folder, set()).update(other.rpartition('.')[0] for other in needed)
    # A folder and one within it are one subject: `session.py` uses the hosts beside it.
    offenders = [f'{first} and {second}' for first, needed in folders.items()
                 for second in needed if first in folders.get(second, ())
                 and not f'{first}.'.startswith(f'{second}.')
                 and not f'{second}.'.startswith(f'{first}.')]
    assert not offenders


def test_folders_are_small():
    count = Counter(relative(path.parent) for path in PYTHON)
    limit = {folder: number for folder, number in count.items()
             if number > 20 and folder.startswith(('inril_ros', 'test'))}
    assert not limit


def test_every_folder_has_a_docstring():
    folders = {path.parent for path in SOURCES}
    incomplete = [relative(folder) for folder in sorted(folders)
                  if not (folder / '__init__.py').is_file()]
    assert not incomplete  # their docstrings: see below


def reached_from(module):
    """Return all modules imported along with a module: name -> importer."""
    importer = {module: ''}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = ROOT.joinpath(*name.split('.'))
        path = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
        if not path.is_file():
            continue
        for found in imports(path):
            # A package comes before each of its modules.
            parts = found.split('.')
            for length in range(1, len(parts) + 1):
                part = '.'.join(parts[:length])
                if part not in importer:
                    importer[part] = name
                    waiting.append(part)
    return importer


@pytest.mark.parametrize('node', ['actuation_node', 'recorder_node', 'teleop_node', 'sim_node',
                                  'gazebo_node', 'mock_arm_node'])
def test_torch_stays_out_of_the_processes_that_move_the_robot(node):
    importer = reached_from(f'inril_ros.nodes.{node}')
    assert 'rclpy' in importer
    chain, name = [], 'torch'
    while name in importer:
        chain.append(name)
        name = importer[name]
    assert not chain, ' is imported by '.join(chain)


def test_a_chain_of_imports_is_found():
    assert 'torch' in reached_from('inril_ros.nodes.policy_node')


# What takes long to load, and what must not load it: each process of a graph waits for it.
LATE = {
    'inril_ros.cli.main': ('torch', 'matplotlib', 'scipy', 'mujoco', 'rosbags', 'rclpy', 'cv2'),
    'inril_ros.cli.stages.stages': ('torch', 'matplotlib', 'scipy', 'mujoco', 'cv2'),
    'inril_ros.cli.stages.finetune': ('torch', 'matplotlib', 'scipy', 'mujoco', 'cv2'),
    'inril_ros.learning.session_config': ('torch',),
    'inril_ros.robot.contract.contract': ('torch', 'matplotlib', 'scipy', 'rclpy', 'rosbags'),
    **{f'inril_ros.nodes.{node}': ('torch', 'matplotlib', 'scipy', 'mujoco', 'gymnasium', 'cv2')
       for node in ('actuation_node', 'recorder_node', 'teleop_node', 'mock_arm_node',
                    'gazebo_node', 'sim_node')},
    **{f'inril_ros.nodes.{node}': ('matplotlib', 'scipy', 'mujoco', 'gymnasium', 'cv2')
       for node in ('policy_node', 'learner_node')},
}


@pytest.mark.parametrize('module', LATE)
def test_what_takes_long_is_loaded_only_where_it_is_used(module):
    """In a process of its own: what is imported inside of functions doesn't count here."""
    loaded = subprocess.run(
        [sys.executable, '-c', f'import sys, {module}\nprint(*sys.modules)'], check=True,
        stdout=subprocess.PIPE, text=True).stdout.split()
    assert not set(LATE[module]).intersection(loaded)


def test_settings_are_read_without_torch():
    program = ('import sys\n'
               'from inril_ros.cli.stages.finetune import longest_rollout\n'
               'from inril_ros.nodes.learner.session_file import read_session\n'
               'print(read_session(sys.argv[1]).host.remembered_steps)\n'
               'assert "torch" not in sys.modules\n')
    subprocess.run([sys.executable, '-c', program, ROOT / 'config' / 'finetune.yaml'], check=True)


def test_nothing_is_unpickled():
    offenders = [f'{relative(path)} imports {module}' for path in PYTHON
                 for module in imports(path) if module.split('.')[0] in UNSAFE]
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) \
                    and (node.value.id, node.attr) in UNSAFE_CALLS:
                offenders.append(f'{relative(path)}:{node.lineno} {node.value.id}.{node.attr}')
            if isinstance(node, ast.keyword) and node.arg == 'allow_pickle' \
                    and not (isinstance(node.value, ast.Constant) and node.value.value is False):
                offenders.append(f'{relative(path)}:{node.value.lineno} allow_pickle')
    assert not offenders


def test_scipy_is_imported_where_it_is_needed():
    """In a function: it takes longer than all else that most processes import."""
    offenders = [
        f'{relative(path)}:{node.lineno}' for path in SOURCES
        if not path.is_relative_to(PACKAGE / 'sim')
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(name.split('.')[0] == 'scipy' for name in (
            [node.module] if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]))]
    assert not offenders


def test_yaml_is_read_in_one_place():
    """With limits: a few lines of YAML can stand for gigabytes."""
    readers = ('load', 'parse', 'scan', 'compose', 'Loader')
    offenders = [
        f'{relative(path)}:{node.lineno} yaml.{node.attr}'
        for path in SOURCES if path.name != 'yaml_file.py'
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and node.value.id == 'yaml' and any(word in node.attr for word in readers)]
    assert not offenders


def test_every_file_has_its_header_and_a_docstring():
    assert not [relative(path) for path in PYTHON if not path.read_text().startswith(HEADER)]
    assert not [relative(path) for path in PYTHON
                if not ast.get_docstring(ast.parse(path.read_text()))]


def test_every_file_is_named_for_its_subject():
    assert not [relative(path) for path in PYTHON if path.stem in FORBIDDEN_NAMES]


def test_test_files_can_share_one_process():
    names = [path.name for path in (ROOT / 'test').rglob('test_*.py')]
    assert len(names) == len(set(names)), 'two test files have the same name'
    assert not list((ROOT / 'test').rglob('__init__.py'))


def published_texts():
    """Yield the texts of a clone of the repository after the next commit."""
    command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split('\0')):
        path = ROOT / name
        if path.is_file() and b'\0' not in path.read_bytes()[:4096]:
            yield name, path.read_text(encoding='utf-8')


def test_nothing_names_a_folder_of_one_machine():
    # In pieces, so that this file does not match itself.
    homes = re.compile('|'.join([r'/ho' r'me/\w', r'/ro' r'ot/', r'/Us' r'ers/\w', r'/wo' r'rk/',
                                 r'/t' r'mp/\w']))
    found = [f'{name}: {match[0]}' for name, text in published_texts()
             for match in homes.finditer(text)]
    assert not found
