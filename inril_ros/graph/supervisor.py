# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Starts a graph as processes, watches them, and leaves none behind.

What it is for: ``inril`` runs its stages without a launch system, in simulation and in tests,
where a node that died must end the stage with its name and its last words.

A node runs as ``python -m inril_ros.nodes.<executable>`` with this process's interpreter and this
process's ``inril_ros``, not as the script in ``lib/inril_ros``: the script's ``env python3`` may
be another interpreter, and where it is depends on how the package was installed.

A node writes to its log file itself, and the console follows the file. No pipe stands between
them, so a slow terminal or a stopped supervisor can't hold up a control loop.
"""

from collections.abc import Callable, Mapping
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
from inril_ros.graph.console import LogFollower
from inril_ros.graph.description import GraphDescription, NodeDescription, ros_arguments
from inril_ros.graph.domain import domain_environment

LAST_LINES = 15
_POLL = 0.02  # [s]
_COMMAND = '$ '  # begins the line of the command in a log


class NodeDied(RuntimeError):  # noqa: N818 an event, as KeyboardInterrupt is
    """A node ended though nobody asked it to.

    Attributes:
        name: Of the node.
        exit_code: As ``subprocess`` has it: -n if signal n ended it.
        log: Its log file.
        lines: The last lines of the log.
    """

    def __init__(self, name: str, exit_code: int, log: Path, lines: list[str]) -> None:
        self.name, self.exit_code, self.log, self.lines = name, exit_code, log, lines
        how = (f'was ended by {signal.Signals(-exit_code).name}' if exit_code < 0
               else f'ended with exit code {exit_code}')
        said = '\n'.join(f'  {line}' for line in lines) or '  (it said nothing)'
        super().__init__(f'{name} {how}. Its last lines, from {log}:\n{said}')


def node_command(node: NodeDescription, log_level: str = 'info') -> list[str]:
    """Return the command that runs a node of this package.

    ROS's own log files in the home folder are left out: the supervisor keeps the output.
    """
    return [sys.executable, '-m', f'inril_ros.nodes.{node.executable}',
            *ros_arguments(node, log_level), '--disable-external-lib-logs']


class Supervisor:
    """The processes of one graph, as a context manager.

    Each node leads a session of its own: a Ctrl-C in the terminal reaches the supervisor alone,
    which then stops the nodes in order. If this process is killed outright, the kernel kills the
    nodes. It does so too when the thread that called ``start`` ends, so start from one that lasts.

    Nodes are named as ``GraphDescription.node`` names them.

    Args:
        graph: What to start.
        log_dir: Folder of ``<node>.log``; a log that exists is continued.
        domain_id: ROS domain, see ``reserve_domain``; None: as in the environment, which is where
            a real robot's drivers are.
        quiet: Nothing to the console.
        console: Where the output is shown; give the one that also draws a progress bar.
        environment: Further environment variables of the nodes.
        grace: [s] Time a node has to end after each of SIGINT and SIGTERM; then SIGKILL.
        max_respawns: How often a node with ``respawn`` is brought back before its death counts.
        command: Gives the command of a node from its description and the log level.

    Attributes:
        graph, log_dir: As given.
        environment: Of the nodes.
    """

    def __init__(self, graph: GraphDescription, log_dir: str | Path, *,
                 domain_id: int | None = None, quiet: bool = False,
                 console: Console | None = None,
                 environment: Mapping[str, str] | None = None, grace: float = 5.0,
                 max_respawns: int = 3,
                 command: Callable[[NodeDescription, str], list[str]] = node_command) -> None:
        self.graph = graph
        self.log_dir = Path(log_dir)
        self._command = command
        self._grace = grace
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
        """Start all nodes. If one can't be started, those before it are stopped.

        Raises:
            RuntimeError: They run already, or ``setpriv`` is missing.
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

    def check(self) -> None:
        """Return if all nodes run; bring back those that may be.

        Raises:
            NodeDied: One ended.
        """
        for name, process in self._processes.items():
            if process.returncode is None and not _ended(process):
                continue
            exit_code = _reap(process)
            if self._respawns_left[name] == 0:
                raise NodeDied(name, exit_code, self.log_path(name),
                               _last_lines(self.log_path(name)))
            self._respawns_left[name] -= 1
            self._start(self.graph.node(name))

    def process_id(self, name: str) -> int:
        """Return the process id of a node."""
        return self._processes[name].pid

    def restart(self, name: str) -> None:
        """Stop a node if it runs, and start it again."""
        self._stop([self._processes[name]])
        self._start(self.graph.node(name))

    def stop(self) -> None:
        """End all nodes: SIGINT, then SIGTERM, then SIGKILL. May be called again at any time.

        A Ctrl-C meanwhile shortens the wait; it does not leave nodes behind.
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
    """Return the start of a command: the kernel is to kill the node when its parent dies.

    util-linux's setpriv rather than ``preexec_fn``, which may deadlock where there are threads.
    """
    setpriv = shutil.which('setpriv')
    if setpriv is None:
        raise RuntimeError('setpriv is missing: install it with "apt install util-linux"')
    nice = ['nice', '-n', str(niceness)] if niceness else []
    return [setpriv, '--pdeathsig', 'KILL', '--', *nice]


def _base_environment() -> dict[str, str]:
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONUNBUFFERED': '1'}
    root = str(Path(inril_ros.__file__).parent.parent)
    # Nodes get the package this process has. One that is installed is found as it is; its folder
    # must not come before the standard library's.
    if root not in (sysconfig.get_path('purelib'), sysconfig.get_path('platlib')):
        inherited = os.environ.get('PYTHONPATH')
        environment['PYTHONPATH'] = os.pathsep.join(filter(None, [root, inherited]))
    return environment


def _ended(process: subprocess.Popen) -> bool:
    """Tell whether a process has ended, and leave it in the process table.

    As long as it is there, no other group can get its number, so signals can't go astray.
    """
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _wait(processes: list[subprocess.Popen], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    try:
        while not all(_ended(process) for process in processes) and time.monotonic() < deadline:
            time.sleep(_POLL)
    except KeyboardInterrupt:  # an impatient person: on with the next signal
        return


def _reap(process: subprocess.Popen) -> int:
    """Kill what is left of a node's group, its children too, and return the exit code."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _last_lines(path: Path) -> list[str]:
    """Return the end of what a node said since it was started last."""
    with path.open('rb') as log:
        log.seek(max(0, path.stat().st_size - 64 * 1024))
        lines = log.read().decode(errors='replace').splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith(_COMMAND)]
    return lines[starts[-1] + 1 if starts else 0:][-LAST_LINES:]
