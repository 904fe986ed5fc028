# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The package builds in three ways, and each result is complete and runs without this tree.

colcon ends with 0 when it found nothing to build, and the modules of this tree could replace
missing installed ones. So each test checks the installed files, and runs them in an environment
without this tree, from another folder.
"""

from dataclasses import dataclass
import os
from pathlib import Path
import shutil
import subprocess
import sys
import sysconfig

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODES = ['actuation_node', 'policy_node', 'reward_node', 'recorder_node', 'learner_node',
         'teleop_node', 'sim_node', 'gazebo_node', 'mock_arm_node', 'conductor_node']
PUBLISHED = ['config', 'inril_ros', 'launch', 'msg', 'CMakeLists.txt', 'LICENSE', 'package.xml',
             'setup.cfg', 'setup.py']
# Each message once through the compiled type support, and the path of its libraries.
USE_MESSAGES = """
from pathlib import Path
import inril_ros.msg
from rclpy.serialization import deserialize_message, serialize_message
names = [name for name in dir(inril_ros.msg) if name[0] != '_']
for name in names:
    message = getattr(inril_ros.msg, name)()
    assert deserialize_message(serialize_message(message), type(message)) == message
print(','.join(sorted(names)))
print(*{line.split()[-1] for line in Path('/proc/self/maps').read_text().splitlines()
        if 'libinril_ros' in line}, sep=',')
"""


def run(command, environment, folder, seconds=240):
    """Run a command to its end; a failure shows what it printed."""
    done = subprocess.run([str(part) for part in command], env=environment, cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds, check=False)
    assert done.returncode == 0, f'{command} ended with {done.returncode}:\n{done.stdout[-4000:]}'
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees all packages of this one but inril_ros."""

    prefix: Path
    variables: dict[str, str]

    @property
    def python(self):
        return self.prefix / 'bin' / 'python'


@pytest.fixture
def environment(tmp_path):
    prefix = tmp_path / 'environment'
    run([sys.executable, '-m', 'venv', '--without-pip', prefix], os.environ, tmp_path)
    # A folder that a .pth names is searched, but the .pth files in it, such as the link to this
    # tree, are not read.
    site = next((prefix / 'lib').glob('python*/site-packages'))
    ours = Path(sysconfig.get_path('platlib'))
    packages = tmp_path / 'packages'
    packages.mkdir()
    for entry in ours.iterdir():
        if not entry.name.startswith(('inril_ros', '__editable__')):
            (packages / entry.name).symlink_to(entry)
    lines = [str(packages)]
    variables = dict(os.environ)
    variables.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None)
    libraries = tmp_path / 'libraries'
    libraries.mkdir()
    for library in Path(sys.prefix, 'lib').glob('*.so*'):
        if not library.name.startswith('libinril_ros'):
            (libraries / library.name).symlink_to(library)
    old = [folder for folder in variables.get('LD_LIBRARY_PATH', '').split(':')
           if folder and Path(folder) != Path(sys.prefix, 'lib')]
    variables['LD_LIBRARY_PATH'] = ':'.join([str(prefix / 'lib'), *old, str(libraries)])
    # With the wheels, each interpreter starts itself again with the path of its libraries.
    if (ours / 'ros_wheels_bootstrapper.pth').exists():
        lines.append('import ros_wheels_bootstrapper')
    (site / 'outside.pth').write_text('\n'.join(lines) + '\n')
    variables['PATH'] = f'{prefix / "bin"}:{variables["PATH"]}'
    variables['CMAKE_PREFIX_PATH'] = variables['AMENT_PREFIX_PATH']
    variables['COLCON_HOME'] = str(tmp_path / 'colcon')
    return Environment(prefix, variables)


@pytest.fixture
def sources(tmp_path):
    """Return a copy to build from: a build must not leave files in this tree."""
    copy = tmp_path / 'sources'
    copy.mkdir()
    for name in PUBLISHED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name,
                            ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy2(ROOT / name, copy / name)
    return copy


def check_installation(prefix, environment, variables, folder):
    """Check that everything is below the prefix, and runs from there."""
    modules = next(prefix.glob('**/inril_ros/msg/__init__.py')).parents[1]
    expected = {path.relative_to(ROOT / 'inril_ros') for path in (ROOT / 'inril_ros').rglob('*')
                if path.is_file() and path.suffix != '.pyc'}
    assert {path for path in expected if not (modules / path).exists()} == set()

    share = prefix / 'share' / 'inril_ros'
    for name in ('msg', 'config', 'launch'):
        files = {path.relative_to(ROOT) for path in (ROOT / name).rglob('*')
                 if path.is_file() and path.suffix in ('.msg', '.yaml', '.py', '.xml')}
        assert {path for path in files if not (share / path).exists()} == set()
    assert (share / 'package.xml').exists()
    assert (prefix / 'share/ament_index/resource_index/packages/inril_ros').exists()

    names, libraries = run([environment.python, '-c', USE_MESSAGES], variables,
                           folder).splitlines()[-2:]
    assert names.split(',') == sorted(path.stem for path in (ROOT / 'msg').glob('*.msg'))
    assert libraries
    assert all(Path(path).is_relative_to(prefix) for path in libraries.split(','))

    where = ('import inril_ros.data.raw.typestore as m; '
             'print(m.__file__); print(m.message_folder())')
    for path in run([environment.python, '-c', where], variables, folder).splitlines()[-2:]:
        assert Path(path).is_relative_to(prefix)

    nodes = prefix / 'lib' / 'inril_ros'
    assert sorted(path.name for path in nodes.iterdir()) == sorted(NODES)
    for node in NODES:
        # A lone --remap can't be parsed: ROS is reached, and nothing is started.
        done = subprocess.run([nodes / node, '--ros-args', '--remap'], env=variables, cwd=folder,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert "Couldn't parse trailing --remap" in done.stderr, f'{node}: {done.stderr[-2000:]}'
    assert 'demo' in run([prefix / 'bin' / 'inril', '--help'], variables, folder)


@pytest.mark.parametrize('options', [
    pytest.param([], marks=pytest.mark.long, id='copied'),
    pytest.param(['--symlink-install'], id='symlinked')])
def test_colcon_builds_a_complete_package(options, environment, sources, tmp_path):
    workspace = tmp_path / 'workspace'
    (workspace / 'src').mkdir(parents=True)
    (workspace / 'src' / 'inril_ros').symlink_to(sources)
    run([environment.python, '-m', 'colcon', 'build', *options, '--cmake-args',
         f'-DPython3_EXECUTABLE={environment.python}', '-DBUILD_TESTING=OFF'],
        environment.variables, workspace)
    prefix = workspace / 'install' / 'inril_ros'
    assert prefix.is_dir(), 'colcon built nothing'

    sourced = run(['bash', '-c', f'source {workspace}/install/local_setup.bash && env -0'],
                  environment.variables, tmp_path)
    variables = dict(entry.split('=', 1) for entry in sourced.split('\0') if '=' in entry)
    check_installation(prefix, environment, variables, tmp_path)


def test_pip_installs_the_library_on_a_machine_without_ros(environment, sources, tmp_path):
    variables = {name: value for name, value in environment.variables.items()
                 if name not in ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH', 'ROS_DISTRO')}
    run([environment.python, '-m', 'pip', 'install', '--no-deps', '--no-build-isolation',
         '--no-index', sources], {**variables, 'INRIL_ROS_WITHOUT_ROS': '1', 'PATH': ''}, tmp_path)
    where = ('from inril_ros.learning import fit, SessionConfig; import inril_ros; '
             'print(fit.__module__, list(inril_ros.__path__))')
    told = run([environment.python, '-I', '-c', where], variables, tmp_path)
    assert 'inril_ros.learning.library.fitting' in told
    assert str(environment.prefix) in told and str(ROOT) not in told


@pytest.mark.long
def test_pip_installs_a_complete_package(environment, sources, tmp_path):
    run([environment.python, '-m', 'pip', 'install', '--no-deps', '--no-build-isolation',
         '--no-index', sources], {**environment.variables, 'INRIL_ROS_BUILD_DIR': tmp_path / 'b'},
        tmp_path)
    variables = {**environment.variables, 'AMENT_PREFIX_PATH': str(environment.prefix)}
    check_installation(environment.prefix, environment, variables, tmp_path)
