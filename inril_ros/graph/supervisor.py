# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Starts a graph as processes, watches them, and leaves none behind.

``inril`` uses it to run its stages without a launch system: a node that dies must end the stage
with its name and its last output.

A node runs as ``python -m inril_ros.nodes.<executable>`` with the interpreter and ``inril_ros`` of
this process, not as the script in ``lib/inril_ros``: the script's ``env python3`` may be another
interpreter, and its place depends on how the package was installed.

A node writes its log file itself, and the console follows the file. There is no pipe between them,
so a slow terminal or a stopped supervisor can't delay a control loop.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
import os
from pathlib import Path
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from types import TracebackType

from rich.console import Console

import inril_ros
from inril_ros.graph.autogroup import give_way
from inril_ros.graph.console import LogFollower
from inril_ros.graph.description import GraphDescription, NodeDescription, ros_arguments
from inril_ros.graph.domain import domain_environment

LAST_LINES = 15
_POLL = 0.02  # [s]
_TICKS = os.sysconf('SC_CLK_TCK')  # of the kernel's CPU times, per second
_COMMAND = '$ '  # start of the command's line in a log


@dataclass(frozen=True)
class Death:
    """A node ended without being asked to.

    Attributes:
        name: Name of the node.
        exit_code: Exit code; -n if signal n ended it, as in ``subprocess``.
        log: Its log file.
        lines: Last lines of the log.
    """

    name: str
    exit_code: int
    log: Path
    lines: list[str]

    @property
    def how(self) -> str:
        """The node and how it ended, as the beginning of a sentence."""
        if self.exit_code < 0:
            return f'{self.name} was ended by {signal.Signals(-self.exit_code).name}'
        return f'{self.name} ended with exit code {self.exit_code}'

    def __str__(self) -> str:
        output = '\n'.join(f'  {line}' for line in self.lines) or '  (no output)'
        return f'{self.how}. Its last lines, from {self.log}:\n{output}'


class NodeDied(RuntimeError):  # noqa: N818 an event, as KeyboardInterrupt is
    """One or several nodes ended, and at least one of them is not restarted.

    Attributes:
        deaths: How each of them ended, in the order of the graph.
        name: Name of the first one.
    """

    def __init__(self, deaths: Sequence[Death]) -> None:
        self.deaths = tuple(deaths)
        self.name = deaths[0].name
        super().__init__('\n'.join(str(death) for death in deaths))


def node_command(node: NodeDescription, log_level: str = 'info') -> list[str]:
    """Return the command of a node, without ROS's log files in the home folder."""
    return [sys.executable, '-m', f'inril_ros.nodes.{node.executable}',
            *ros_arguments(node, log_level), '--disable-external-lib-logs']


class Supervisor:
    """The processes of one graph, as a context manager.

    Each node has its own session: a Ctrl-C in the terminal reaches only the supervisor, which then
    stops the nodes in order. If this process is killed, or the thread that called ``start`` ends,
    the kernel kills the nodes.

    Nodes are named as in ``GraphDescription.node``.

    Args:
        graph: Graph to start.
        log_dir: Folder of ``<node>.log``; existing logs are appended to.
        domain_id: ROS domain, see ``reserve_domain``; None: the environment's, with the drivers of
            a real robot.
        quiet: Print nothing on the console.
        console: Console for the output; it must be the one with the progress bar, if any.
        environment: Additional environment variables of the nodes.
        grace: Time that a node has to end after each of SIGINT and SIGTERM [s]; then SIGKILL.
        max_respawns: How often a node with ``respawn`` is restarted.
        gather: Time after a death in which further ones are reported with it [s]: what ends one
            node, such as a lack of memory, often ends another one a moment later.
        command: Function that returns the command of a node, from description and log level.

    Attributes:
        graph: The graph.
        log_dir: Folder of the logs.
        environment: Environment variables of the nodes.
        respawning: Whether nodes with ``respawn`` are restarted now. Off while a graph starts:
            what ends a node then, such as a wrong file, would end it again.
    """

    def __init__(self, graph: GraphDescription, log_dir: str | Path, *,
                 domain_id: int | None = None, quiet: bool = False,
                 console: Console | None = None,
                 environment: Mapping[str, str] | None = None, grace: float = 5.0,
                 max_respawns: int = 3, gather: float = 0.5,
                 command: Callable[[NodeDescription, str], list[str]] = node_command) -> None:
        self.graph = graph
        self.log_dir = Path(log_dir)
        self._command = command
        self._grace = grace
        self._gather = gather
        self.respawning = True
        self._respawns_left = {
            node.path: max_respawns if node.respawn else 0 for node in graph.nodes}
        self.environment = {
            **_base_environment(),
            **({} if domain_id is None else domain_environment(domain_id)),
            **(environment or {})}
        self._processes: dict[str, subprocess.Popen] = {}
        shown = [] if quiet else [node.path for node in graph.nodes if node.output != 'log']
        self._follower = LogFollower({name: self.log_path(name) for name in shown}, console)

    def __enter__(self) -> 'Supervisor':
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def log_path(self, name: str) -> Path:
        """Return the log file of a node."""
        return self.log_dir / f'{name}.log'

    def start(self) -> None:
        """Start all nodes; if one can't be started, stop the others.

        Raises:
            RuntimeError: They are running already, or ``setpriv`` is missing.
        """
        if self._processes:
            raise RuntimeError(f'graph {self.graph.name!r} was started already')
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._follower.start()
        try:
            for node in self.graph.nodes:
                self._start(node)
        except BaseException:
            self.stop()
            raise

    def check(self) -> list[Death]:
        """Check that all nodes are running; restart the ones with ``respawn``.

        Returns:
            How those ended that were restarted now.

        Raises:
            NodeDied: A node ended that is not restarted.
        """
        ended = self._ended_nodes()
        if not all(self.respawning and self._respawns_left[name] for name in ended):
            deadline = time.monotonic() + self._gather
            while time.monotonic() < deadline and len(ended) < len(self._processes):
                time.sleep(_POLL)
                ended = self._ended_nodes()
            raise NodeDied([self._death(name) for name in ended])
        deaths = [self._death(name) for name in ended]
        for name in ended:
            self._respawns_left[name] -= 1
            self._start(self.graph.node(name))
        return deaths

    def _ended_nodes(self) -> list[str]:
        return [name for name, process in self._processes.items()
                if process.returncode is not None or _ended(process)]

    def _death(self, name: str) -> Death:
        return Death(name, _reap(self._processes[name]), self.log_path(name),
                     _last_lines(self.log_path(name)))

    def cpu_seconds(self, names: Iterable[str]) -> float:
        """Return the CPU time that the processes of nodes have used since they started [s]."""
        total = 0
        for name in names:
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                fields = Path(f'/proc/{self._processes[name].pid}/stat').read_text()
                total += sum(map(int, fields.rpartition(')')[2].split()[11:13]))
        return total / _TICKS

    def process_id(self, name: str) -> int:
        """Return the process id of a node."""
        return self._processes[name].pid

    def restart(self, name: str) -> None:
        """Stop a node if it is running, and start it again."""
        self._stop([self._processes[name]])
        self._start(self.graph.node(name))

    def stop(self) -> None:
        """End all nodes: SIGINT, then SIGTERM, then SIGKILL. May be called again at any time.

        A Ctrl-C shortens the wait; it leaves no nodes behind.
        """
        self._stop(list(reversed(self._processes.values())))
        self._processes.clear()
        self._follower.stop()

    def _start(self, node: NodeDescription) -> None:
        command = self._command(node, self.graph.log_level)
        path = self.log_path(node.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('ab') as log:
            log.write(f'{_COMMAND}{shlex.join(command)}\n'.encode())
            log.flush()
            self._processes[node.path] = subprocess.Popen(
                [*_wrapper(node.niceness), *command], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env=self.environment, start_new_session=True)
        if node.niceness:
            give_way(self._processes[node.path].pid, node.niceness)

    def _stop(self, processes: list[subprocess.Popen]) -> None:
        try:
            for step in (signal.SIGINT, signal.SIGTERM):
                waiting = [process for process in processes
                           if process.returncode is None and not _ended(process)]
                for process in waiting:
                    os.killpg(process.pid, step)
                _wait(waiting, self._grace)
        finally:
            for process in processes:
                _reap(process)


def _wrapper(niceness: int) -> list[str]:
    """Return the start of a command that makes the kernel kill the node when its parent dies.

    It uses util-linux's setpriv because ``preexec_fn`` may deadlock if there are threads.
    """
    setpriv = shutil.which('setpriv')
    if setpriv is None:
        raise RuntimeError('setpriv is missing: install it with "apt install util-linux"')
    nice = ['nice', '-n', str(niceness)] if niceness else []
    return [setpriv, '--pdeathsig', 'KILL', '--', *nice]


def _base_environment() -> dict[str, str]:
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONUNBUFFERED': '1'}
    root = str(Path(inril_ros.__file__).parent.parent)
    # Nodes use this process's package. An installed one is found without PYTHONPATH, in which its
    # folder would come before the standard library.
    if root not in (sysconfig.get_path('purelib'), sysconfig.get_path('platlib')):
        inherited = os.environ.get('PYTHONPATH')
        environment['PYTHONPATH'] = os.pathsep.join(filter(None, [root, inherited]))
    return environment


def _ended(process: subprocess.Popen) -> bool:
    """Return whether a process has ended, and leave it in the process table.

    While it is there, no other group can get its number, and signals can't hit another process.
    """
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _wait(processes: list[subprocess.Popen], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    try:
        while not all(_ended(process) for process in processes) and time.monotonic() < deadline:
            time.sleep(_POLL)
    except KeyboardInterrupt:  # go on with the next signal
        return


def _reap(process: subprocess.Popen) -> int:
    """Kill the rest of a node's process group, and return the node's exit code."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _last_lines(path: Path) -> list[str]:
    """Return the last output of a node since its last start."""
    with path.open('rb') as log:
        log.seek(max(0, path.stat().st_size - 64 * 1024))
        lines = log.read().decode(errors='replace').splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith(_COMMAND)]
    return lines[starts[-1] + 1 if starts else 0:][-LAST_LINES:]
