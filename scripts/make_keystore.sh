#!/usr/bin/env bash
# Makes the keys and signed permissions of a robot, with which only the learner may publish weights
# and only the actuation node commands (docs/how_to/security.md).
#
#   scripts/make_keystore.sh config/robots/ARM.yaml ~/keystore
#   scripts/make_keystore.sh config/robots/ARM.yaml ~/keystore left right   # namespaces of robots
#
# Needs `ros2 security` (package sros2 of a ROS 2 distribution) and the openssl command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ $# -lt 2 ]]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
readonly contract=$1 keystore=$2 robots=("${@:3}")

if ! command -v ros2 >/dev/null || ! ros2 security --help >/dev/null 2>&1; then
    echo 'ros2 security is not here: install and source a ROS 2 distribution with sros2' >&2
    echo '(the ROS 2 wheels that scripts/setup.sh installs do not have it)' >&2
    exit 1
fi
if [[ -e $keystore ]]; then
    echo "$keystore exists: keys are not written over; take another folder or move it away" >&2
    exit 1
fi

umask 077 # private keys
policy=$(mktemp)
trap 'rm -f "$policy"' EXIT
python3 -m inril_ros.graph.security_policy "$contract" "${robots[@]}" > "$policy"
ros2 security create_keystore "$keystore"
ros2 security generate_artifacts -k "$keystore" -p "$policy"

cat <<TEXT
Made $keystore. In every shell that starts a node:

  export ROS_SECURITY_KEYSTORE=$(realpath "$keystore")
  export ROS_SECURITY_ENABLE=true
  export ROS_SECURITY_STRATEGY=Enforce

A machine needs its own enclaves only (enclaves/inril/<node>); the folder private/ signs new
permissions and belongs on none of them.
TEXT
