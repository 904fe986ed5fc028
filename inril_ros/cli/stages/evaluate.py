# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage: measure success on a fixed set of initial states."""

from pathlib import Path
import time

from inril_ros.bench.estimates import success_rate
from inril_ros.cli.stages.job import Job, require
from inril_ros.data.record_files import write_json
from inril_ros.graph.description import evaluation_graph
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.robot.episode import Purpose
from inril_ros.sim.seeds import derived_seed


def evaluate(job: Job, name: str, model: Path) -> dict[str, object]:
    """Let a model act without exploration; write ``evaluations/<name>.json``.

    An episode in which a person took over is no success; those that a person rescued are counted.
    Initial state ``i`` is the same for every model, run and seed, so evaluations are comparable.
    """
    require(model, 'the model to evaluate')
    number = job.options.evaluation_episodes
    began, rows = time.monotonic(), []
    graph = evaluation_graph(job.graph_options(model=str(model)))
    with job.running(f'evaluate_{name}', graph) as conductor, \
            job.reporter.bar(f'evaluate {name}', number, 'episodes') as bar:
        for index in range(number):
            scene = derived_seed('evaluation', index)
            result = conductor.run_episode(
                job.episode_id(f'evaluate/{name}', index), Purpose.EVALUATION,
                seed=derived_seed('evaluation policy', index),
                scene_seed=scene if job.options.simulation else None)
            rows.append({'seed': scene, 'success': result.success, 'rescued': result.rescued,
                         'ticks': result.ticks, 'person_ticks': result.person_ticks,
                         'outcome': result.outcome.name.lower()})
            rescued = sum(row['rescued'] for row in rows)
            bar.update(index + 1, success=sum(row['success'] for row in rows) / len(rows),
                       rescued=rescued)
        control = control_counts(conductor)
    rate = success_rate(sum(row['success'] for row in rows), number)
    write_json(job.run.evaluation(name), {
        'name': name, 'model': str(model), 'success': rate.value, 'low': rate.low,
        'high': rate.high, 'n': rate.n, 'rescued': rescued,
        'wall_seconds': time.monotonic() - began, 'actuation': control, 'episodes': rows},
        replace=True)
    return {'rate': rate.value, 'low': rate.low, 'high': rate.high, 'n': rate.n,
            'rescued': rescued}


def control_counts(conductor: Conductor) -> dict[str, object]:
    """Return the counts of the actuation node: ticks, misses, holds and time between ticks."""
    status = conductor.actuation
    return {'ticks': status.ticks, 'misses': status.misses, 'holds': status.holds,
            'clipped': status.clipped, 'dropped': status.dropped, 'period': status.period,
            'worst_gap': status.worst_gap, 'gap_edges': list(status.gap_edges),
            'gap_counts': list(status.gap_counts)}
