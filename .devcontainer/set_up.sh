#!/usr/bin/env bash
# Sets up the container: the same steps as in the Dockerfile.
set -eo pipefail
# shellcheck disable=SC1090
source "/opt/ros/$ROS_DISTRO/setup.bash"
rosdep update --rosdistro "$ROS_DISTRO"
scripts/setup.sh
echo "source /opt/ros/$ROS_DISTRO/setup.bash; source $PWD/.venv/env.sh" >> ~/.bashrc
