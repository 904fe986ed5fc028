# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril up``: the graph of a stage, up until Ctrl-C, where there is no ``ros2 launch``."""

import time

from rich.console import Console

from inril_ros.cli.run.resources import find_configuration
from inril_ros.cli.run.run_directory import RunDirectory
from inril_ros.graph.description import GraphOptions, STAGES
from inril_ros.graph.supervisor import Supervisor


def bring_up(
    stage: str, run: RunDirectory, simulation: str, real_time: bool, camera: bool,
    domain: int | None, log_level: str,
) -> None:
    """Start the graph of a stage and watch it until Ctrl-C, which is how it ends well.

    Raises:
        ValueError: There is no such stage.
        NodeDied: A node ended; the others have been stopped.
    """
    if stage not in STAGES:
        raise ValueError(f'stage {stage!r}: one of {", ".join(STAGES)}')
    lockstep = bool(simulation) and not real_time
    model = run.finetuned if run.finetuned.exists() else run.pretrained
    settings = run.finetune / 'config.yaml'
    if not settings.exists():  # `inril finetune` has not begun: there are no settings of its own
        settings = find_configuration('', 'finetune')
    graph = STAGES[stage](GraphOptions(
        contract=str(run.contract), run_id=run.settings.run_id, simulation=simulation,
        task=run.settings.task, lockstep=lockstep, use_sim_time=lockstep, camera=camera,
        log_level=log_level, seed=run.settings.seed, model=str(model),
        demonstrations=str(run.demonstrations), journal=str(run.journal),
        finetune_config=str(settings), pretrained=str(run.pretrained),
        run_dir=str(run.finetune)))
    console = Console(highlight=False)
    nodes = Supervisor(graph, run.logs(f'up_{stage}'), domain_id=domain, console=console)
    try:
        with nodes:
            console.print(f'{stage} is up; logs in {nodes.log_dir}; Ctrl-C stops it')
            while True:
                nodes.check()
                time.sleep(0.2)
    except KeyboardInterrupt:
        console.print(f'{stage} is stopped')
