# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One version, one licence and one set of pins, in each place that states them."""

import configparser
from pathlib import Path
import re

from catkin_pkg.package import parse_package
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
import pytest

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ('jazzy', 'kilted')


@pytest.fixture(scope='module')
def package():
    warnings = []
    parsed = parse_package(ROOT / 'package.xml', warnings=warnings)
    assert warnings == []
    return parsed


@pytest.fixture(scope='module')
def setup():
    parser = configparser.ConfigParser()
    assert parser.read(ROOT / 'setup.cfg')
    return parser


def required(setup):
    sections = [setup['options']['install_requires'], *setup['options.extras_require'].values()]
    return [Requirement(line) for line in '\n'.join(sections).splitlines() if line]


def pins(release):
    """Return what scripts/setup.sh installs for a ROS release."""
    lines = [line for name in ('requirements', f'ros_{release}')
             for line in (ROOT / f'scripts/{name}.lock').read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith('#')]


def test_the_version_is_the_same_everywhere(package, setup):
    releases = re.findall(r'^(\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)\n-+$',
                          (ROOT / 'CHANGELOG.rst').read_text(), flags=re.MULTILINE)
    assert releases, 'CHANGELOG.rst names no release'
    assert package.version == setup['metadata']['version'] == releases[0]


def test_the_name_is_the_same_everywhere(package, setup):
    assert package.name == setup['metadata']['name'] == setup['options']['packages']
    assert f'project({package.name})' in (ROOT / 'CMakeLists.txt').read_text()


def test_colcon_builds_the_package_with_cmake_as_an_interface_package(package):
    assert package.get_build_type() == 'ament_cmake'
    assert 'rosidl_interface_packages' in [group.name for group in package.member_of_groups]


def test_the_licence_is_apache_2_everywhere(package, setup):
    assert package.licenses == [setup['metadata']['license']] == ['Apache-2.0']
    assert package.licenses[0].file == 'LICENSE'
    text = (ROOT / 'LICENSE').read_text()
    assert 'Apache License' in text and 'Version 2.0, January 2004' in text
    assert 'END OF TERMS AND CONDITIONS' in text


def test_every_message_dependency_is_declared(package):
    used = set()
    for path in (ROOT / 'msg').glob('*.msg'):
        used |= set(re.findall(r'^(\w+)/\w+', path.read_text(), flags=re.MULTILINE))
    declared = {dependency.name for dependency in package.build_depends}
    built = re.search(r'DEPENDENCIES ([\w ]+)', (ROOT / 'CMakeLists.txt').read_text())[1].split()
    assert used
    assert used <= declared
    assert used <= set(built)


def test_the_installation_guide_names_each_package_that_rosdep_installs(package):
    guide = (ROOT / 'docs/how_to/install.md').read_text(encoding='utf-8')
    table = guide[guide.index('| Keys |'):guide.index('pip installs the others')]
    declared = {dependency.name for dependency in [
        *package.buildtool_depends, *package.build_depends, *package.exec_depends,
        *package.test_depends]}
    assert set(re.findall(r'`([a-z0-9_]+|python3-[a-z0-9-]+)`', table)) == declared


@pytest.mark.parametrize('release', RELEASES)
def test_the_lock_pins_exactly_and_within_the_ranges(release, setup):
    by_name = {}
    for pin in pins(release):
        assert [specifier.operator for specifier in pin.specifier] == ['=='], pin
        by_name.setdefault(canonicalize_name(pin.name), []).append(pin)
    for requirement in required(setup):
        found = by_name.get(canonicalize_name(requirement.name), [])
        for pin in found:
            version = next(iter(pin.specifier)).version
            assert requirement.specifier.contains(version), f'{pin} is outside {requirement}'


@pytest.mark.parametrize('release', RELEASES)
@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12', '3.13'])
def test_each_package_is_pinned_once_per_python(python, release, setup):
    names = [canonicalize_name(pin.name) for pin in pins(release)
             if pin.marker is None or pin.marker.evaluate({'python_version': python})]
    assert len(names) == len(set(names))
    needed = {canonicalize_name(requirement.name) for requirement in required(setup)
              if requirement.marker is None
              or requirement.marker.evaluate({'python_version': python})}
    assert needed <= set(names)


@pytest.mark.parametrize('release', RELEASES)
def test_ros_is_pinned_in_the_lock_of_its_release_alone(release):
    common = (ROOT / 'scripts/requirements.lock').read_text()
    assert not re.findall('^ros-', common, flags=re.MULTILINE)
    ours = [pin for pin in pins(release) if pin.name.startswith('ros-')]
    assert f'ros-{release}-rclpy' in [pin.name for pin in ours]
    for other in set(RELEASES) - {release}:
        assert not [pin for pin in ours if pin.name.startswith(f'ros-{other}-')]
