#!/usr/bin/env bash
# Goes from a clean checkout to a policy that was fine-tuned on a simulated robot, in one command.
#
#   scripts/demo.sh [OPTIONS]      takes the options of `inril demo`; --help lists them
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$scripts/setup.sh"
environment=.venv-${INRIL_ROS_RELEASE:-jazzy} # as in setup.sh
# The scripts of ROS and of virtual environments read unset variables.
set +u
# shellcheck disable=SC1091
source "$scripts/../${environment%-jazzy}/env.sh"
set -u
export MUJOCO_GL=${MUJOCO_GL:-egl} OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec inril demo "$@"
