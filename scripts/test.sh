#!/usr/bin/env bash
# Everything that CI checks, in the order of how soon it tells: style, unit tests, tests of the
# running nodes, builds. All of it runs even when something failed; the summary says what.
#
#   scripts/test.sh                       all
#   scripts/test.sh --fast                style and unit tests
#   scripts/test.sh -k journal -x         options go to pytest, in each part
#   scripts/test.sh test/data/test_x.py   these tests alone
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

scripts/setup.sh || exit
environment=.venv-${INRIL_ROS_RELEASE:-jazzy} # as in setup.sh
# The scripts of ROS and of virtual environments read variables that are not set.
set +u
# shellcheck disable=SC1091
source "${environment%-jazzy}/env.sh" || exit
set -u
export MUJOCO_GL=${MUJOCO_GL:-egl} OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

fast=
paths=
options=()
for argument in "$@"; do
    if [[ $argument == --fast ]]; then
        fast=yes
        continue
    fi
    if [[ -e ${argument%%::*} ]]; then paths=yes; fi
    options+=("$argument")
done

summary=()
failed=
tested=

# part NAME COMMAND...: run one part and note how it ended.
part() {
    local name=$1 start=$SECONDS status result
    shift
    printf '\n== %s\n' "$name"
    "$@"
    status=$?
    # pytest ends with 5 when no test was selected: fine for a part (-k), not for all of them.
    if [[ $status == 5 && $1 == python ]]; then
        result='no test'
    elif [[ $status == 0 ]]; then
        result=ok
        if [[ $1 == python ]]; then tested=yes; fi
    else
        result="FAILED ($status)"
        failed=yes
    fi
    summary+=("$(printf '%-12s %-12s %4d s' "$name" "$result" $((SECONDS - start)))")
}

tests() { part "$1" python -m pytest "${@:2}" ${options[@]+"${options[@]}"}; }

if [[ -n $paths ]]; then
    tests chosen
else
    part style ruff check .
    # Graph tests measure nothing, but their processes would wait for each other: one at a time.
    tests unit test --ignore=test/graph --ignore=test/package --numprocesses auto
    if [[ -z $fast ]]; then
        tests graph test/graph
        tests package test/package
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
