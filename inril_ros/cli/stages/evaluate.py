# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage: measure success on a fixed set of initial states."""

from inril_ros.cli.stages.job import Job
from inril_ros.graph.description import evaluation_graph
from inril_ros.graph.run_options import judge_of
from inril_ros.nodes.conducting.evaluation import (
    evaluate_episodes,
    evaluated_model,
    evaluation_facts,
    evaluation_file,
    MOST_TRIES,
    say_what_is_known,
)


def evaluate(job: Job, name: str) -> dict[str, object]:
    """Let a model act without exploration; write ``evaluations/<name>.json``.

    An episode in which a person took over is no success; those that a person rescued are counted.
    An aborted episode says nothing about the policy: it is done again. Initial state ``i`` is the
    same for every model, run and seed, so evaluations are comparable, and an evaluation that was
    interrupted, or is continued with more episodes, begins with those that it has.

    Args:
        job: The run.
        name: Which model: ``pretrained`` or ``finetuned``.

    Raises:
        FileNotFoundError: There is no such model.
        EvaluationStopped: An episode was aborted again and again, and nobody attends the robot.
    """
    file = evaluation_file(job.run, name)
    say_what_is_known(job, file)
    if len(file.episodes) < job.options.evaluation_episodes:
        graph = evaluation_graph(job.graph_options(
            model=str(evaluated_model(job.run, name)), judge=judge_of(job.run, 'evaluate')))
        with job.running(f'evaluate_{name}', graph, most_aborted=MOST_TRIES) as conductor:
            evaluate_episodes(job, name, file, conductor)
    return evaluation_facts(file)
