# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs on a Ray cluster: one task per run, with its checkpoint on this machine.

Sources and configurations travel with the tasks, and their hash is compared where a run begins.
A run is a process, as on one machine, in a folder of the worker that is thrown away. What it
writes comes back: progress and log for the display, each checkpoint, the rows at the end. So if a
node is lost, Ray does its tasks elsewhere, from their checkpoints, and a study that was
interrupted goes on with or without Ray. Clones are made once per node.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
import shutil
import tarfile
import tempfile
import time
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from inril_ros.bench.identity import code_hash
from inril_ros.bench.places import RunPlace, StudyPlace
from inril_ros.bench.pools.processes import RunProcess
from inril_ros.bench.pools.status import ProgressWatch, Status
from inril_ros.bench.study import parse_run, Run, StudyError
from inril_ros.data.record_files import write_whole
from inril_ros.robot.configuration_folder import configuration_folder

_POLL_SECONDS = 0.5
_RETRIES = 20  # of a run whose node was lost


class _Keeper:
    """An actor on the machine of the study, which alone writes into its folder."""

    def __init__(self, folder: str) -> None:
        self._place = StudyPlace(Path(folder))

    def checkpoint(self, name: str) -> bytes | None:
        """Return the last checkpoint of a run, packed; None: there is none."""
        checkpoint = self._run(name).checkpoint
        return _packed(checkpoint) if checkpoint.is_dir() else None

    def note(self, name: str, progress: str) -> None:
        """Take the progress of a run."""
        write_whole(self._run(name).progress, progress, sync=False)

    def save(self, name: str, checkpoint: bytes) -> None:
        """Take a checkpoint of a run, in place of the one before."""
        place = self._run(name)
        with tempfile.TemporaryDirectory(dir=place.folder, prefix='.checkpoint.') as fresh:
            _unpack(checkpoint, Path(fresh) / 'new')
            if place.checkpoint.is_dir():
                place.checkpoint.rename(Path(fresh) / 'old')
            (Path(fresh) / 'new').rename(place.checkpoint)

    def finish(self, name: str, rows: str) -> None:
        """Take the rows of a finished run; those that came first stay."""
        place = self._run(name)
        if not place.finished:
            write_whole(place.rows, rows)
        shutil.rmtree(place.checkpoint, ignore_errors=True)

    def log(self, name: str, text: str) -> None:
        """Append what the process of a run has printed."""
        with self._run(name).log.open('a') as log:
            log.write(text)

    def _run(self, name: str) -> RunPlace:
        place = RunPlace(self._place.folder / 'runs' / name)
        place.folder.mkdir(parents=True, exist_ok=True)
        return place


def _do(document: dict[str, Any], keeper: Any, sources: str, clones: str) -> int:
    """Do a run, or the rest of it, on a worker; return the exit code of its process.

    Raises:
        StudyError: The worker has other sources.
    """
    run = parse_run(document)
    if code_hash() != sources:
        raise StudyError(f'{run.name}: this worker has other sources or plug-ins '
                         f'({code_hash()[:12]}) than the machine of the study ({sources[:12]})')
    with tempfile.TemporaryDirectory(prefix='inril-bench-') as folder:
        place = RunPlace(Path(folder) / 'runs' / run.name)
        place.folder.mkdir(parents=True)
        (Path(folder) / 'clones').symlink_to(_shared(clones))
        checkpoint = ray.get(keeper.checkpoint.remote(run.name))
        if checkpoint is not None:
            _unpack(checkpoint, place.checkpoint)
        process, told = RunProcess(run, place, ()), _Told(keeper, run.name, place)
        try:
            while process.exit_code is None:
                told.tell()
                time.sleep(_POLL_SECONDS)
            told.tell()
        finally:
            process.stop()
        if place.finished:
            ray.get(keeper.finish.remote(run.name, place.rows.read_text()))
        return int(process.exit_code or 0)


class _Told:
    """What the machine of the study was told of a run."""

    def __init__(self, keeper: Any, name: str, place: RunPlace) -> None:
        self._keeper, self._name, self._place = keeper, name, place
        self._progress, self._printed, self._saved = '', 0, 0.0

    def tell(self) -> None:
        """Tell what is new; wait until a checkpoint has arrived."""
        place, keeper = self._place, self._keeper
        if place.progress.exists():
            progress = place.progress.read_text()
            if progress != self._progress:
                keeper.note.remote(self._name, progress)
                self._progress = progress
        printed = place.log.read_text()
        if len(printed) > self._printed:
            keeper.log.remote(self._name, printed[self._printed:])
            self._printed = len(printed)
        try:
            saved = place.checkpoint.stat().st_mtime
            if saved != self._saved:
                ray.get(keeper.save.remote(self._name, _packed(place.checkpoint)))
                self._saved = saved
        except FileNotFoundError:
            pass  # none yet, or it is being replaced


def _shared(clones: str) -> Path:
    """Return the folder that the runs of this node share."""
    folder = Path(tempfile.gettempdir()) / f'inril-bench-clones-{clones}'
    folder.mkdir(exist_ok=True)
    return folder


def _packed(folder: Path) -> bytes:
    """Return the files of a folder."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode='w') as archive:
        archive.add(folder, arcname='.')
    return stream.getvalue()


def _unpack(packed: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter='data')


@contextmanager
def _sources() -> Iterator[str]:
    """Yield a folder with the package and its configurations, which Ray sends to the workers."""
    package = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix='inril-sources-') as folder:
        ignored = shutil.ignore_patterns('__pycache__', 'msg')
        shutil.copytree(package, Path(folder) / package.name, ignore=ignored)
        shutil.copytree(configuration_folder(), Path(folder) / 'config', ignore=ignored)
        yield folder


def run_all_on_ray(
    runs: Sequence[Run], place: StudyPlace, address: str,
    show: Callable[[list[Status]], None] = lambda statuses: None,
) -> list[Status]:
    """Do all runs that aren't finished on a Ray cluster; return the final state of each run.

    An interrupt cancels the tasks, and the next call continues from their checkpoints.

    Args:
        runs: Runs to do, in this order.
        place: Folder of the study, on this machine.
        address: Address of the cluster; ``local``: one on this machine.
        show: Called about twice a second with the states of all runs.

    Raises:
        StudyError: There is no cluster at the address.
    """
    if all(place.run(run).finished for run in runs):
        return [Status(run, 'finished', env_steps=run.env_steps) for run in runs]
    with _sources() as sources:
        try:
            ray.init(address, log_to_driver=False, runtime_env={
                'working_dir': sources, 'env_vars': {'MUJOCO_GL': 'egl'}})
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise StudyError(f'--ray {address}: {error}') from error
        try:
            return _done(runs, place, show)
        finally:
            ray.shutdown()


def _done(runs: Sequence[Run], place: StudyPlace,
          show: Callable[[list[Status]], None]) -> list[Status]:
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    keeper = ray.remote(num_cpus=0)(_Keeper).options(scheduling_strategy=here).remote(
        str(place.folder.absolute()))
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_do)
    ended = {run.name: Status(run, 'finished', env_steps=run.env_steps)
             for run in runs if place.run(run).finished}
    watched = {run.name: ProgressWatch(run, place.run(run))
               for run in runs if run.name not in ended}
    for watch in watched.values():  # of an earlier attempt
        place.run(watch.run).progress.unlink(missing_ok=True)
    waiting = {task.remote(watch.run.document, keeper, code_hash(), place.folder.name): name
               for name, watch in watched.items()}
    try:
        while waiting:
            done, _ = ray.wait(list(waiting), timeout=_POLL_SECONDS)
            for reference in done:
                name = waiting.pop(reference)
                ended[name] = watched[name].status(_exit_code(reference, place, name))
            show([ended.get(run.name) or _present(watched[run.name], place) for run in runs])
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)
    return [ended[run.name] for run in runs]


def _present(watch: ProgressWatch, place: StudyPlace) -> Status:
    """Return the state of a run that isn't over; it waits until a worker tells of it."""
    if place.run(watch.run).progress.exists():
        return watch.status(None)
    return Status(watch.run, 'waiting')


def _exit_code(reference: Any, place: StudyPlace, name: str) -> int:
    """Return the exit code of a run; an error of its task goes to its log."""
    try:
        return int(ray.get(reference))
    except ray.exceptions.RayError as error:
        with (place.folder / 'runs' / name / 'log.txt').open('a') as log:
            log.write(f'{error}\n')
        return 1
