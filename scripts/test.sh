#!/usr/bin/env bash
# Everything that CI checks, the fastest first: style, unit tests, tests of running nodes, builds.
# All parts run even if one fails. Each ends with its slowest tests, and a summary follows.
#
#   scripts/test.sh                       all; 15 minutes or less on two cores, set-up included
#   scripts/test.sh --fast                style and unit tests
#   scripts/test.sh --long                also what takes long: more random inputs, every host's
#                                         job, copied and pip builds, the other ROS release
#   scripts/test.sh -k journal -x         options go to pytest, in each part
#   scripts/test.sh test/data/test_x.py   these tests alone
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

scripts/setup.sh || exit
# The pages of the console are looked at in a browser. Without one these tests are skipped, which
# is an error in CI.
if ! command -v chromium >/dev/null && [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo 'installing chromium, for the tests of the console'
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium >/dev/null
fi
environment=.venv-${INRIL_ROS_RELEASE:-jazzy} # as in setup.sh
# The scripts of ROS and of virtual environments read variables that are not set.
set +u
# shellcheck disable=SC1091
source "${environment%-jazzy}/env.sh" || exit
set -u
export MUJOCO_GL=${MUJOCO_GL:-egl} OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

fast=
long=
paths=
options=(--durations=30)
for argument in "$@"; do
    if [[ $argument == --fast ]]; then
        fast=yes
        continue
    fi
    if [[ $argument == --long ]]; then long=yes; fi
    if [[ -e ${argument%%::*} ]]; then paths=yes; fi
    options+=("$argument")
done

# Tests of running nodes: a file's tests share nodes, so they stay in one process, which has a ROS
# domain of its own. More than two such processes would hold each other up.
in_shards=(--numprocesses 2 --dist loadfile --no-loadscope-reorder)

summary=()
failed=
tested=
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# part NAME COMMAND...: run one part and note how it ended.
part() {
    local name=$1 start=$SECONDS status result
    shift
    printf '\n== %s\n' "$name"
    "$@" |& tee "$output"
    status=$?
    # pytest ends with 5 when no test was selected: fine for a part (-k), not for all of them.
    if [[ $status == 5 ]]; then
        result='no test'
    elif [[ $status == 0 ]]; then
        result=ok
        if [[ $name != style ]]; then tested=yes; fi
    else
        result="FAILED ($status)"
        failed=yes
    fi
    summary+=("$(printf '%-12s %-12s %4d s' "$name" "$result" $((SECONDS - start)))")
    # Once more at the end, where they are found: which tests failed, and what each said.
    while IFS= read -r line; do
        summary+=("  ${line:0:2000}")
    done < <(grep -E '^(FAILED|ERROR) |^(Fatal Python error|Timeout \()|, line [0-9]+ in test_' "$output")
}

tests() { part "$1" python -m pytest "${@:2}" "${options[@]}"; }

# The graph and package tests once more, in an environment with the other ROS release.
other_release() {
    if [[ -n ${ROS_DISTRO:-} ]]; then return; fi # tested on top of this distribution only
    local other=kilted
    if [[ ${INRIL_ROS_RELEASE:-} == kilted ]]; then other=jazzy; fi
    part "$other" env INRIL_ROS_RELEASE=$other scripts/test.sh test/graph test/package \
        "${in_shards[@]}" "${options[@]}"
}

style() { ruff check . && vulture --config vulture.toml; }

if [[ -n $paths ]]; then
    tests chosen
else
    part style style
    tests unit test --ignore=test/graph --ignore=test/package --numprocesses auto
    if [[ -z $fast ]]; then
        tests graph test/graph "${in_shards[@]}"
        tests package test/package "${in_shards[@]}"
        if [[ -n $long ]]; then other_release; fi
    fi
fi

printf '\n== summary\n'
printf '%s\n' "${summary[@]}"
if [[ -n $failed ]]; then
    exit 1
elif [[ -z $tested ]]; then
    echo 'no test was run' >&2
    exit 5
fi
