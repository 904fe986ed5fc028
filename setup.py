# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Makes pip build with the same CMakeLists.txt as colcon, and install into a Python environment.

Only CMake can generate ROS messages, so the build step runs CMake, which installs into a staging
folder, and hands the result to pip. Name, version and dependencies are in setup.cfg.

`pip install .` copies messages and modules. `pip install -e .` copies the messages and links the
modules to this tree: the installed folder `inril_ros` then holds only `msg`, and
`inril_ros/__init__.py` adds it to the package.

With INRIL_ROS_WITHOUT_ROS=1 modules are installed without messages and nothing is compiled: enough
for `inril_ros.learning`.

Messages are built for one Python version and one ROS distribution. The distribution is found
through AMENT_PREFIX_PATH or, if that is not set, in the environment of the running interpreter.
"""

import os
from pathlib import Path
import shutil
import subprocess
import sys
import sysconfig

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

PACKAGE = 'inril_ros'
SOURCE = Path(__file__).resolve().parent
HINT = 'On a machine without ROS, set INRIL_ROS_WITHOUT_ROS=1 to install what needs none'
WITHOUT_ROS = os.environ.get('INRIL_ROS_WITHOUT_ROS', '') not in ('', '0')


class BinaryDistribution(Distribution):
    """A distribution for one platform if it holds compiled messages."""

    def has_ext_modules(self) -> bool:
        """Return whether setuptools tags the wheel with interpreter and platform."""
        return not WITHOUT_ROS

    def has_data(self) -> bool:
        """Return whether there are data files; an editable installation asks this."""
        return bool(self.data_files)


class BuildWithInterfaces(build_py):
    """Runs CMake, which installs messages and modules, instead of copying modules."""

    def run(self) -> None:
        """Build into the staging folder, and pass its modules and data files to setuptools.

        Raises:
            SystemExit: CMake is missing, or the build failed.
        """
        if WITHOUT_ROS:
            if not self.editable_mode:
                shutil.copytree(SOURCE / PACKAGE, Path(self.build_lib, PACKAGE),
                                ignore=shutil.ignore_patterns('__pycache__'), dirs_exist_ok=True)
            return
        stage = self._run_cmake()
        modules = next(stage.glob(f'**/{PACKAGE}/msg/__init__.py'), None)
        if modules is None:
            raise SystemExit(f'CMake installed no {PACKAGE}.msg under {stage}')
        modules = modules.parents[1]
        folders = [stage / 'lib', stage / 'share']
        if self.editable_mode:
            for entry in modules.iterdir():
                if entry.name != 'msg' and entry.is_dir():
                    shutil.rmtree(entry)
                elif entry.suffix == '.py':
                    entry.unlink()
        else:
            shutil.copytree(modules, Path(self.build_lib, PACKAGE), dirs_exist_ok=True)
            shutil.rmtree(modules)
        self.distribution.data_files = data_files(stage, folders, modules)

    def _run_cmake(self) -> Path:
        """Build, continuing an earlier build, and install into a staging folder.

        Returns:
            The staging folder, with the layout of an installation prefix.

        Raises:
            SystemExit: CMake is missing, or the build failed.
        """
        if shutil.which('cmake') is None:
            raise SystemExit('cmake is missing: apt-get install cmake g++ make python3-dev\n'
                             f'{HINT}')
        build = Path(os.environ.get('INRIL_ROS_BUILD_DIR')
                     or Path(self.get_finalized_command('build').build_temp, 'cmake')).resolve()
        stage = build / 'stage'
        shutil.rmtree(stage, ignore_errors=True)
        prefix = os.environ.get('AMENT_PREFIX_PATH') or sys.prefix
        environment = {**os.environ, 'AMENT_PREFIX_PATH': prefix, 'CMAKE_PREFIX_PATH': prefix}
        if 'ROS_DISTRO' not in os.environ:
            # In an isolated build, pip sets it to a folder without the message generators.
            environment.pop('PYTHONPATH', None)
        configure = ['cmake', '-S', str(SOURCE), '-B', str(build), '-DBUILD_TESTING=OFF',
                     '-DINRIL_ROS_PIP=ON', f'-DCMAKE_INSTALL_PREFIX={stage}',
                     f'-DPython3_EXECUTABLE={sys.executable}']
        compile_and_install = ['cmake', '--build', str(build), '--target', 'install',
                               '--parallel', str(os.cpu_count() or 1)]
        for command in (configure, compile_and_install):
            if subprocess.run(command, env=environment, check=False).returncode != 0:
                raise SystemExit(f'failed: {" ".join(command)}\n{HINT}')
        return stage


def data_files(stage: Path, folders: list[Path], modules: Path) -> list[tuple[str, list[str]]]:
    """Return the files to copy below the environment's prefix.

    Args:
        stage: The staging folder.
        folders: Its folders whose files are copied.
        modules: The staged Python package. Its remaining files go into the environment's
            site-packages, whatever CMake calls that folder.

    Returns:
        Pairs of a folder below the prefix and its files, as setuptools takes them.
    """
    platlib = Path(sysconfig.get_path('platlib')).relative_to(sys.prefix)
    result: dict[str, list[str]] = {}
    for folder in folders:
        for path in sorted(folder.rglob('*')):
            if path.is_dir() or '__pycache__' in path.parts:
                continue
            if path.is_relative_to(modules):
                target = platlib / PACKAGE / path.relative_to(modules)
            else:
                target = path.relative_to(stage)
            result.setdefault(str(target.parent), []).append(str(path))
    return list(result.items())


setup(cmdclass={'build_py': BuildWithInterfaces}, distclass=BinaryDistribution)
