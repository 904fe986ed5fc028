# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A study on a Ray cluster ends with the rows of one machine, also if a node is lost."""

import json
import time

import pytest

from inril_ros.bench.places import StudyPlace
from inril_ros.bench.pools.processes import run_all
from inril_ros.bench.study import parse_study, StudyError

ray = pytest.importorskip('ray')
pytestmark = [pytest.mark.filterwarnings('ignore:Constant'), pytest.mark.timeout(900)]
TIMES = {'cpu_seconds', 'simulation_seconds', 'learning_seconds', 'evaluation_seconds'}


def rows(place, runs):
    return [{key: value for key, value in json.loads(line).items() if key not in TIMES}
            for run in runs for line in place.run(run).rows.read_text().splitlines()]


def test_a_study_on_a_local_cluster_has_the_rows_of_processes(document, tmp_path):
    from inril_ros.bench.pools.on_ray import run_all_on_ray
    runs = parse_study(document).runs()
    here, there = StudyPlace(tmp_path / 'here'), StudyPlace(tmp_path / 'there')
    assert {status.state for status in run_all(runs, here, 2)} == {'finished'}
    seen = []
    ended = run_all_on_ray(runs, there, 'local', lambda statuses: seen.append(
        [status.state for status in statuses]))
    assert [status.state for status in ended] == ['finished']
    assert rows(there, runs) == rows(here, runs)
    assert seen[-1] == ['finished'] and any('running' in states for states in seen)
    assert not any(there.run(run).checkpoint.exists() for run in runs)
    again = run_all_on_ray(runs, there, 'nowhere')  # nothing is left to do
    assert [status.state for status in again] == ['finished']


def test_where_no_cluster_is_a_study_says_so(study, tmp_path):
    from inril_ros.bench.pools.on_ray import run_all_on_ray
    with pytest.raises(StudyError, match='--ray auto'):
        run_all_on_ray(study.runs(), StudyPlace(tmp_path), 'auto')


@pytest.mark.long
def test_if_a_node_is_killed_its_runs_go_on_elsewhere(document, tmp_path):
    from ray.cluster_utils import Cluster

    from inril_ros.bench.pools.on_ray import run_all_on_ray
    document.update(seeds=list(range(12)), env_steps=1600, evaluation={'every': 800,
                                                                       'episodes': 3})
    runs = parse_study(document).runs()
    here, there = StudyPlace(tmp_path / 'here'), StudyPlace(tmp_path / 'there')
    began = time.monotonic()
    run_all(runs, here, 3)
    alone = time.monotonic() - began
    cluster = Cluster(initialize_head=True, head_node_args={'num_cpus': 1})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    finished = []

    def show(statuses):
        finished[:] = [status.run.name for status in statuses if status.state == 'finished']
        if len(finished) >= 3 and len(nodes) == 2:
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    began = time.monotonic()
    try:
        ended = run_all_on_ray(runs, there, cluster.address, show)
    finally:
        cluster.shutdown()
    took = time.monotonic() - began
    assert len(nodes) == 1, 'no node was lost'
    assert [status.state for status in ended] == ['finished'] * 12
    assert rows(there, runs) == rows(here, runs)
    print(f'12 runs: {alone:.0f} s as processes, {took:.0f} s on three nodes with one lost')
