# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Let pip build what colcon builds: the same CMakeLists.txt, installed into an environment.

Only CMake can generate ROS interfaces, so the build step runs CMake into a staging folder and
hands the result to pip. Everything that is fixed (name, version, dependencies) is in setup.cfg.

`pip install .` copies messages and modules. `pip install -e .` copies the messages and links the
modules to this tree: the installed `inril_ros` folder then holds `msg` alone, and
`inril_ros/__init__.py` joins the two.

Messages are built for one interpreter and one ROS distribution, the one found through
AMENT_PREFIX_PATH or, without it, in the environment that runs this file.
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


class BinaryDistribution(Distribution):
    """A distribution for one platform, since it holds compiled messages."""

    def has_ext_modules(self) -> bool:
        """Tell setuptools to tag the wheel with interpreter and platform."""
        return True

    def has_data(self) -> bool:
        """Tell an editable installation to install data files: setuptools asks by this name."""
        return bool(self.data_files)


class BuildWithInterfaces(build_py):
    """Run CMake in place of copying modules: it installs those too."""

    def run(self) -> None:
        """Build, stage, and hand over modules and data files.

        Raises:
            SystemExit: CMake is missing, or the messages can't be built.
        """
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
        """Build and install into a staging folder; an earlier build is continued.

        Returns:
            The staging folder, laid out like an installation prefix.
        """
        if shutil.which('cmake') is None:
            raise SystemExit('cmake is missing: apt-get install cmake g++ make python3-dev')
        build = Path(os.environ.get('INRIL_ROS_BUILD_DIR')
                     or Path(self.get_finalized_command('build').build_temp, 'cmake')).resolve()
        stage = build / 'stage'
        shutil.rmtree(stage, ignore_errors=True)
        prefix = os.environ.get('AMENT_PREFIX_PATH') or sys.prefix
        environment = {**os.environ, 'AMENT_PREFIX_PATH': prefix, 'CMAKE_PREFIX_PATH': prefix}
        if 'ROS_DISTRO' not in os.environ:
            # pip's isolated build puts a folder in front that hides the generators.
            environment.pop('PYTHONPATH', None)
        configure = ['cmake', '-S', str(SOURCE), '-B', str(build), '-DBUILD_TESTING=OFF',
                     '-DINRIL_ROS_PIP=ON', f'-DCMAKE_INSTALL_PREFIX={stage}',
                     f'-DPython3_EXECUTABLE={sys.executable}']
        compile_and_install = ['cmake', '--build', str(build), '--target', 'install',
                               '--parallel', str(os.cpu_count() or 1)]
        for command in (configure, compile_and_install):
            if subprocess.run(command, env=environment, check=False).returncode != 0:
                raise SystemExit(f'failed: {" ".join(command)}')
        return stage


def data_files(stage: Path, folders: list[Path], modules: Path) -> list[tuple[str, list[str]]]:
    """List what has to be copied below the environment's prefix.

    Args:
        stage: the staging folder.
        folders: folders of it to list.
        modules: the staged Python package; what is left of it goes beside the other packages of
            the environment, whatever CMake calls that folder.

    Returns:
        (folder below the prefix, files) as setuptools wants them.
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
