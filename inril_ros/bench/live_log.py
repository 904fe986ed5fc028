# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run tells a logger while it runs: TensorBoard, Weights & Biases or MLflow.

The results of a run are its rows; these are for watching. The horizontal axis is always
environment steps.
"""

from collections.abc import Iterable, Mapping
import math
from pathlib import Path
from typing import Any, Protocol

from inril_ros.bench.study import Run, StudyError


class Logger(Protocol):
    """Takes numbers of a run as they come."""

    def add(self, values: Mapping[str, float], env_steps: int) -> None:
        """Take some finite values, by their tags, at a number of environment steps."""

    def close(self) -> None:
        """Write what is left."""


class _TensorBoard:
    def __init__(self, run: Run, folder: Path, env_steps: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # Of a run that was killed, what came after its checkpoint is hidden.
        self._writer = SummaryWriter(str(folder / 'tensorboard'), purge_step=env_steps)

    def add(self, values: Mapping[str, float], env_steps: int) -> None:
        for tag, value in values.items():
            self._writer.add_scalar(tag, value, env_steps)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _WeightsAndBiases:
    def __init__(self, run: Run, folder: Path, env_steps: int) -> None:
        import wandb

        self._run = wandb.init(project=f'inril-{run.study}', name=run.name, id=run.name,
                               resume='allow', dir=str(folder), config=run.document)

    def add(self, values: Mapping[str, float], env_steps: int) -> None:
        self._run.log(dict(values), step=env_steps)

    def close(self) -> None:
        self._run.finish()


class _MLflow:
    def __init__(self, run: Run, folder: Path, env_steps: int) -> None:
        import mlflow

        self._mlflow = mlflow
        mlflow.set_experiment(f'inril-{run.study}')
        mlflow.start_run(run_name=run.name)
        mlflow.set_tags({'task': run.task.label, 'arm': run.arm.name, 'host': run.arm.host,
                         'seed': run.seed, 'config_hash': run.hash})

    def add(self, values: Mapping[str, float], env_steps: int) -> None:
        self._mlflow.log_metrics(dict(values), step=env_steps)

    def close(self) -> None:
        self._mlflow.end_run()


LOGGERS: dict[str, type[Any]] = {
    'tensorboard': _TensorBoard, 'wandb': _WeightsAndBiases, 'mlflow': _MLflow}


def check_loggers(names: Iterable[str]) -> None:
    """Check that loggers exist and are installed, before any run begins.

    Raises:
        StudyError: One isn't; the message says what to install.
    """
    from importlib.util import find_spec

    for name in names:
        if name not in LOGGERS:
            raise StudyError(f'--log: {name!r} is unknown; allowed are {", ".join(LOGGERS)}')
        if find_spec(name) is None:
            raise StudyError(f'--log {name}: is not installed; pip install {name}')


class LiveLog:
    """The loggers of one run."""

    def __init__(self, names: Iterable[str], run: Run, folder: Path, env_steps: int) -> None:
        """Open loggers for a run in a folder, which continues at so many environment steps."""
        self._loggers: list[Logger] = [LOGGERS[name](run, folder, env_steps) for name in names]

    def add(self, values: Mapping[str, float | None], env_steps: int) -> None:
        """Tell all loggers; values that aren't finite numbers are left out."""
        finite = {name: float(value) for name, value in values.items()
                  if isinstance(value, int | float) and math.isfinite(value)}
        for logger in self._loggers:
            logger.add(finite, env_steps)

    def close(self) -> None:
        """Write what is left."""
        for logger in self._loggers:
            logger.close()
