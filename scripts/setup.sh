#!/usr/bin/env bash
# Makes the Python environment .venv, which the demo, the tests and you use. It can be run at any
# time: it repeats only the steps whose inputs changed, and takes a second if none did.
#
#   scripts/setup.sh            make or update .venv
#   source .venv/env.sh         use it in this shell
#
# Without ROS, it installs ROS 2 as Python wheels, and everything else that the package needs, in
# the versions that the *.lock files in this folder pin. This needs Linux on x86-64 and Python 3.10
# to 3.13.
# If a ROS 2 distribution is sourced (ROS_DISTRO and AMENT_PREFIX_PATH are set), the environment is
# made on top of it. rosdep installs the packages that package.xml names, and pip adds to the
# environment what the system's Python packages lack of the ranges in setup.cfg. numpy stays the
# distribution's, because compiled messages work with one major version of it only.
#
# Modules are always imported from this tree, never from a copy: without ROS through
# `pip install -e .`, with ROS through `colcon build --symlink-install` into .venv/colcon. So an
# edited module needs no new set-up. A changed message, node name, launch file or configuration
# file does; demo.sh and test.sh run this script first.
#
# Environment variables:
#   INRIL_ROS_RELEASE  ROS 2 release of the wheels: jazzy (default) or kilted. Kilted goes into
#                      .venv-kilted, so that both can be installed at the same time.
#   INRIL_TORCH_INDEX  package index for torch, such as PyTorch's index of CPU builds: the build on
#                      the default index brings several gigabytes of CUDA
#   PYTHON             interpreter for the environment (default python3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly release=${INRIL_ROS_RELEASE:-jazzy}
name=.venv-$release
readonly name=${name%-jazzy}
readonly venv=$PWD/$name
readonly python=${PYTHON:-python3}
with_ros=
if [[ -n ${ROS_DISTRO:-} && -n ${AMENT_PREFIX_PATH:-} ]]; then with_ros=$ROS_DISTRO; fi
# env.sh sets AMENT_PREFIX_PATH as well. If this script runs in a shell that sourced it, the
# variable must not lead to the environment that is being updated.
if [[ -z $with_ros ]]; then unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH PYTHONPATH; fi
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE
lock_files=(scripts/requirements.lock)
if [[ -z $with_ros ]]; then lock_files+=("scripts/ros_$release.lock"); fi

say() { printf '[setup %3ds] %s\n' "$SECONDS" "$*"; }
fail() { printf '[setup] %s\n' "$@" >&2; exit 1; }
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "${pip_output[@]}" "$@"; }
# Progress bars in a terminal, one line per step elsewhere.
pip_output=(-qq)
if [[ -t 1 ]]; then pip_output=(); fi

# Print the system packages that are missing, by their Debian and Ubuntu names.
missing_packages() {
    command -v cmake >/dev/null || echo cmake
    command -v c++ >/dev/null || echo g++
    command -v make >/dev/null || echo make
    command -v "$python" >/dev/null || { echo python3 python3-venv python3-dev; return; }
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    "$python" -c 'import sysconfig, pathlib, sys
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' || echo python3-dev
    local libraries
    libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
    grep -q 'libEGL\.so\.1 ' <<<"$libraries" || echo libegl1
    grep -q 'libGL\.so\.1 ' <<<"$libraries" || echo libgl1 # for dartpy
    compgen -G '/usr/share/glvnd/egl_vendor.d/*.json' >/dev/null || echo libgl1-mesa-dri libegl-mesa0
}

install_system_packages() {
    local missing
    missing=$(missing_packages | xargs)
    if [[ -z $missing ]]; then return; fi
    local command="apt-get install --yes --no-install-recommends $missing"
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        fail "these system packages are missing: $missing" \
             "install them and run this script again: sudo apt-get update && sudo $command"
    fi
    say "installing system packages: $missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $command >/dev/null
}

# Install what package.xml names, with a sourced ROS 2 distribution.
install_ros_packages() {
    if [[ -z $with_ros ]]; then return; fi
    local command="rosdep install --from-paths . --ignore-src --rosdistro $with_ros --default-yes"
    if ! command -v rosdep >/dev/null; then
        say "rosdep is not installed: skipping $command"
        return
    fi
    if rosdep check --from-paths . --ignore-src --rosdistro "$with_ros" >/dev/null 2>&1; then
        return
    fi
    [[ $(id -u) == 0 ]] ||
        fail 'packages that package.xml names are missing; install them and run this script again:' \
             "rosdep update && $command"
    say 'installing the packages that package.xml names'
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $command >/dev/null
}

check_release() {
    if [[ -n $with_ros ]]; then
        [[ ${INRIL_ROS_RELEASE:-$with_ros} == "$with_ros" ]] ||
            fail "INRIL_ROS_RELEASE is $release, but ROS 2 $with_ros is sourced:" \
                 'unset the variable, or use a shell in which no ROS 2 distribution is sourced'
    elif [[ ! -f scripts/ros_$release.lock ]]; then
        fail "INRIL_ROS_RELEASE is $release; it must be jazzy or kilted"
    fi
}

check_python() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "$("$python" --version) is too old: set PYTHON to Python 3.10 or newer"
    if [[ -n $with_ros ]]; then return; fi
    if [[ $(uname -sm) != 'Linux x86_64' ]]; then
        fail "there are no ROS 2 wheels for $(uname -sm): install and source a ROS 2 distribution"
    fi
    "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 14))' ||
        fail "$("$python" --version) is not supported without a ROS 2 distribution:" \
             'set PYTHON to Python 3.10 to 3.13, or install and source a ROS 2 distribution'
}

# Print one hash of the names and contents of files and folders.
digest() {
    find "$@" -type f ! -name '*.pyc' -print0 2>/dev/null | sort -z |
        xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

# up_to_date STEP INPUT: succeed if the step was last done with this input.
up_to_date() {
    [[ -x $venv/bin/python && -f $venv/$1.stamp && $(<"$venv/$1.stamp") == "$2" ]]
}
# done_with STEP INPUT: remember the input that a step was done with.
done_with() { echo "$2" > "$venv/$1.stamp"; }

make_environment() {
    local input
    input="$venv $(digest "${lock_files[@]}") $("$python" --version) ${with_ros:-wheels}"
    # Without ROS, the lock files pin everything, and the ranges in setup.cfg don't matter.
    if [[ -n $with_ros ]]; then input+=" $(digest setup.cfg)"; fi
    if up_to_date requirements "$input"; then return; fi
    rm -f "$venv"/*.stamp
    say "making $name with $("$python" --version) ${with_ros:+on top of ROS 2 $with_ros}"
    "$python" -m venv --clear ${with_ros:+--system-site-packages} "$venv"
    local torch
    torch=$(grep '^torch==' scripts/requirements.lock)
    if [[ -n ${INRIL_TORCH_INDEX:-} ]]; then
        say "installing $torch from INRIL_TORCH_INDEX"
        pip install --index-url "$INRIL_TORCH_INDEX" "$torch"
    fi
    # All packages are installed by one call: a second one could replace torch with a CUDA build.
    if [[ -z $with_ros ]]; then
        say "installing ROS 2 ${release^} as wheels, torch, and the rest of the lock files"
        pip install "${lock_files[@]/#/--requirement=}"
    else
        say "installing the Python packages that setup.cfg names on top of ROS 2 $with_ros"
        "$venv/bin/python" - > "$venv/ranges.txt" <<'PYTHON'
import configparser

import numpy

setup = configparser.ConfigParser()
setup.read('setup.cfg')
wanted = [setup['options']['install_requires'], *setup['options.extras_require'].values()]
# numpy 1 and 2 differ in their binary interface, and ROS was built for this one.
major = int(numpy.__version__.split('.')[0])
print(f'numpy>={numpy.__version__},<{major + 1}', *''.join(wanted).split('\n'), sep='\n')
PYTHON
        pip install --requirement "$venv/ranges.txt" "$torch"
    fi
    done_with requirements "$input"
}

build_package() {
    local input
    input="$(<"$venv/requirements.stamp") $(digest msg CMakeLists.txt package.xml setup.py \
        setup.cfg launch config)"
    if [[ -n $with_ros ]]; then  # colcon links each file, so a new one needs a new link
        input+=" $(find inril_ros -name '*.py' | sort | sha256sum)"
    fi
    if up_to_date package "$input"; then return; fi
    say 'building the messages and linking the package'
    if [[ -z $with_ros ]]; then
        INRIL_ROS_BUILD_DIR=$venv/messages PATH=$venv/bin:$PATH \
            pip install --no-build-isolation --no-deps --editable .
    else
        (
            # The messages are compiled for the environment's interpreter, whichever runs colcon.
            source "$venv/bin/activate"
            colcon --log-base "$venv/colcon/log" build --symlink-install \
                --base-paths . --build-base "$venv/colcon/build" \
                --install-base "$venv/colcon/install" \
                --cmake-args -DPython3_EXECUTABLE="$venv/bin/python" -DBUILD_TESTING=OFF
        )
        # colcon exits with 0 even if it found no package to build.
        [[ -d $venv/colcon/install/inril_ros ]] || fail 'colcon built nothing'
    fi
    write_environment_file
    # The scripts that colcon writes read unset variables.
    # shellcheck disable=SC1091
    (set +u; source "$venv/env.sh" && python -c 'import inril_ros.msg as m; m.Transition()') ||
        fail 'the messages were built, but importing them failed'
    done_with package "$input"
}

write_environment_file() {
    {
        echo "# Written by scripts/setup.sh. Use: source $name/env.sh"
        echo "source '$venv/bin/activate'"
        if [[ -z $with_ros ]]; then
            echo "export AMENT_PREFIX_PATH='$venv'"
            echo 'unset _ROS_WHEELS_BOOTSTRAP_COMPLETE'
        else
            # Sourcing the workspace puts it on PYTHONPATH, ahead of the environment's packages.
            echo "source '$venv/colcon/install/local_setup.bash'"
        fi
        echo 'export MUJOCO_GL=${MUJOCO_GL:-egl}'
        echo 'export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}'
    } > "$venv/env.sh"
}

# Only one set-up of this tree may run at a time.
exec 9<"$PWD/scripts/setup.sh"
flock 9

check_release
install_system_packages
install_ros_packages
check_python
make_environment
build_package
say "ready: source $name/env.sh"
