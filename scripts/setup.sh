#!/usr/bin/env bash
# Makes the environment .venv that the demo, the tests and you work in. Run it as often as you
# like: only what changed is redone; when nothing changed it takes a second.
#
#   scripts/setup.sh            make or refresh .venv
#   source .venv/env.sh         use it in this shell (activates it, finds messages and nodes)
#
# Without ROS: a virtual environment with the ROS 2 wheels and everything else that
# scripts/requirements.lock pins. Needs Linux on x86-64 and Python 3.10 to 3.13.
# With a ROS 2 distribution sourced (ROS_DISTRO and AMENT_PREFIX_PATH are set): an environment on
# top of it. ROS and numpy come from the distribution, since its compiled messages fit one numpy
# only; the rest is resolved from the ranges in setup.cfg.
#
# Modules always come from this tree, never from a copy: without ROS by `pip install -e .`, with
# ROS by `colcon build --symlink-install` into .venv/colcon. An edited module needs no new set-up;
# a changed message, node name, launch or configuration file does, and the next run of this script
# (demo.sh and test.sh begin with it) sees that.
#
# Variables: PYTHON           interpreter to make .venv with (default python3)
#            INRIL_TORCH_INDEX  package index to take torch from, such as PyTorch's CPU one: the
#                             build on the default index brings several gigabytes of CUDA
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly venv=$PWD/.venv
readonly python=${PYTHON:-python3}
with_ros=
if [[ -n ${ROS_DISTRO:-} && -n ${AMENT_PREFIX_PATH:-} ]]; then with_ros=$ROS_DISTRO; fi
# Sourcing .venv/env.sh sets AMENT_PREFIX_PATH as well; a set-up that runs inside the environment
# that it refreshes must not see it.
if [[ -z $with_ros ]]; then unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH PYTHONPATH; fi
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE

say() { printf '[setup %3ds] %s\n' "$SECONDS" "$*"; }
fail() { printf '[setup] %s\n' "$@" >&2; exit 1; }
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "${pip_output[@]}" "$@"; }
# Progress bars where someone watches, one line per step elsewhere.
pip_output=(-qq)
if [[ -t 1 ]]; then pip_output=(); fi

# The packages that are missing on this machine, by their Debian and Ubuntu names.
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
    compgen -G '/usr/share/glvnd/egl_vendor.d/*.json' >/dev/null || echo libgl1-mesa-dri libegl-mesa0
}

install_system_packages() {
    local missing
    missing=$(missing_packages | xargs)
    if [[ -z $missing ]]; then return; fi
    local command="apt-get install --yes --no-install-recommends $missing"
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        fail "these packages are missing: $missing" \
             "install them and run this again: sudo apt-get update && sudo $command"
    fi
    say "installing system packages: $missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $command >/dev/null
}

check_python() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "$("$python" --version) is too old: 3.10 or newer is needed; name one by PYTHON=..."
    if [[ -n $with_ros ]]; then return; fi
    if [[ $(uname -sm) != 'Linux x86_64' ]]; then
        fail "there are no ROS 2 wheels for $(uname -sm): install a ROS 2 distribution and source it"
    fi
    "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 14))' ||
        fail "there are no ROS 2 wheels for $("$python" --version): 3.10 to 3.13 have them;" \
             'name one by PYTHON=..., or install a ROS 2 distribution and source it'
}

# One hash over names and contents of files and folders.
digest() {
    find "$@" -type f ! -name '*.pyc' -print0 2>/dev/null | sort -z |
        xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

# up_to_date NAME HASH: was the step done with this very input?
up_to_date() {
    [[ -x $venv/bin/python && -f $venv/$1.stamp && $(<"$venv/$1.stamp") == "$2" ]]
}
done_with() { echo "$2" > "$venv/$1.stamp"; }

make_environment() {
    local input
    input="$venv $(digest scripts/requirements.lock) $("$python" --version) ${with_ros:-wheels}"
    # A range in setup.cfg decides only where the lock does not.
    if [[ -n $with_ros ]]; then input+=" $(digest setup.cfg)"; fi
    if up_to_date requirements "$input"; then return; fi
    rm -f "$venv"/*.stamp
    say "making .venv with $("$python" --version) ${with_ros:+on top of ROS 2 $with_ros}"
    "$python" -m venv --clear ${with_ros:+--system-site-packages} "$venv"
    local torch
    torch=$(grep '^torch==' scripts/requirements.lock)
    if [[ -n ${INRIL_TORCH_INDEX:-} ]]; then
        say "installing $torch from INRIL_TORCH_INDEX"
        pip install --index-url "$INRIL_TORCH_INDEX" "$torch"
    fi
    # One call decides about everything: a second one could replace torch by a build with CUDA.
    if [[ -z $with_ros ]]; then
        say 'installing the ROS 2 wheels, torch and the rest of scripts/requirements.lock'
        pip install --requirement scripts/requirements.lock
    else
        say "installing what setup.cfg asks for beside ROS 2 $with_ros"
        "$venv/bin/python" - > "$venv/ranges.txt" <<'PYTHON'
import configparser

import numpy

setup = configparser.ConfigParser()
setup.read('setup.cfg')
wanted = [setup['options']['install_requires'], *setup['options.extras_require'].values()]
# numpy 1 and 2 differ in their binary interface, and ROS was built for this one.
print(f'numpy=={numpy.__version__}', *''.join(wanted).split('\n'), sep='\n')
PYTHON
        pip install --requirement "$venv/ranges.txt" "$torch"
    fi
    done_with requirements "$input"
}

build_package() {
    local input
    input="$(<"$venv/requirements.stamp") $(digest msg CMakeLists.txt package.xml setup.py \
        setup.cfg launch config)"
    if [[ -n $with_ros ]]; then  # linked file by file: a new one has to be linked as well
        input+=" $(find inril_ros -name '*.py' | sort | sha256sum)"
    fi
    if up_to_date package "$input"; then return; fi
    say 'building the messages and linking the package'
    if [[ -z $with_ros ]]; then
        INRIL_ROS_BUILD_DIR=$venv/messages PATH=$venv/bin:$PATH \
            pip install --no-build-isolation --no-deps --editable .
    else
        (
            # The interpreter of .venv is only needed where our code runs, and finds numpy's
            # headers for the messages as well.
            source "$venv/bin/activate"
            python -m colcon --log-base "$venv/colcon/log" build --symlink-install \
                --base-paths . --build-base "$venv/colcon/build" \
                --install-base "$venv/colcon/install" \
                --cmake-args -DPython3_EXECUTABLE="$venv/bin/python" -DBUILD_TESTING=OFF
        )
        # colcon ends with 0 when it found no package to build.
        [[ -d $venv/colcon/install/inril_ros ]] || fail 'colcon built nothing'
    fi
    write_environment_file
    # The scripts that colcon writes read variables that are not set.
    # shellcheck disable=SC1091
    (set +u; source "$venv/env.sh" && python -c 'import inril_ros.msg as m; m.Transition()') ||
        fail 'the messages were built but cannot be imported'
    done_with package "$input"
}

write_environment_file() {
    {
        echo '# Written by scripts/setup.sh. Use: source .venv/env.sh'
        echo "source '$venv/bin/activate'"
        if [[ -z $with_ros ]]; then
            echo "export AMENT_PREFIX_PATH='$venv'"
            echo 'unset _ROS_WHEELS_BOOTSTRAP_COMPLETE'
        else
            # A virtual environment comes after PYTHONPATH, which ROS sets.
            echo "source '$venv/colcon/install/local_setup.bash'"
        fi
        echo 'export MUJOCO_GL=${MUJOCO_GL:-egl}'
        echo 'export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}'
    } > "$venv/env.sh"
}

# Two set-ups of one tree at a time would undo each other's work.
exec 9<"$PWD/scripts/setup.sh"
flock 9

install_system_packages
check_python
make_environment
build_package
say "ready: source .venv/env.sh"
