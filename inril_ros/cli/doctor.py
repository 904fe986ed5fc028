# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril doctor``: check the machine, ROS, DDS and the running robot."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
import json
import os
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.markup import escape
import typer

from inril_ros.cli.options import with_groups
from inril_ros.cli.run.resources import find_configuration
from inril_ros.doctor.finding import Finding, worst
from inril_ros.doctor.machine import check_machine
from inril_ros.doctor.publishers import check_publishers
from inril_ros.doctor.streams import check_profiles, check_streams
from inril_ros.doctor.teleoperation import check_teleoperation
from inril_ros.robot.contract.contract import Contract, load_contract

_MEGABYTE = 1_000_000
_COLOURS = {'ok': 'green', 'note': 'cyan', 'warning': 'yellow', 'error': 'bold red'}


@dataclass(frozen=True)
class Robot:
    """The running robot."""

    namespace: Annotated[str, typer.Option(help='ROS namespace of the robot.')] = '/'
    seconds: Annotated[float, typer.Option(
        min=0.5, max=600.0, help='How long to listen to the robot.')] = 5.0
    simulated: Annotated[bool, typer.Option(
        '--use-sim-time', help='The robot has simulated time (/clock).')] = False

    def check(self, contract: Contract, left: Callable[[float], object]) -> Iterator[Finding]:
        """Compare the running robot with its contract; ``left`` gets the time [s] that is left."""
        from inril_ros.nodes.clients.graph_checkup import look_at_graph

        seen = look_at_graph(contract, self.namespace, self.seconds, self.simulated, left)
        yield from check_streams(contract, seen.records, self.seconds, simulated=self.simulated)
        yield from check_teleoperation(contract, seen.teleop, self.seconds)
        yield from check_profiles(seen.pairs)
        yield from check_publishers(contract, seen.publishers)


@with_groups
def doctor(
    robot: Robot,
    contract: Annotated[str, typer.Option(
        help='Robot contract to compare the running robot with: a file, or a name in '
             'config/robots; empty: check this machine only.')] = '',
    folder: Annotated[Path, typer.Option(help='Folder of the runs.')] = Path('runs'),
    json_output: Annotated[bool, typer.Option('--json', help='One JSON document.')] = False,
) -> None:
    """Check machine, ROS, DDS and the running robot; say what to do. Exit code 1 for errors."""
    expected = load_contract(find_configuration('robots', contract)) if contract else None
    findings: list[Finding] = []
    with _Progress(quiet=json_output) as progress:
        def go(doing: str, found: Iterable[Finding]) -> None:
            progress.doing(doing)
            for finding in found:
                findings.append(finding)
                if not json_output:
                    _show(finding)

        go('this machine', check_machine(folder, os.environ))
        go('PyTorch, which takes some seconds', _processors())
        go('DDS: a message of 1 MB to another process and back, up to 15 s', _middleware())
        if expected is not None and not _without_ros(findings):
            text = f'the robot in {robot.namespace}, for {robot.seconds:g} s'
            go(text, robot.check(expected, lambda left: progress.still(f'{text}: {left:.0f} s')))
    verdict = worst(findings)
    if json_output:
        typer.echo(json.dumps({'verdict': verdict,
                               'findings': [asdict(finding) for finding in findings]}))
    else:
        counts = {level: sum(finding.level == level for finding in findings)
                  for level in _COLOURS}
        typer.echo(', '.join(f'{count} {level}' for level, count in counts.items() if count))
    if verdict == 'error':
        raise typer.Exit(1)


def _processors() -> Iterator[Finding]:
    try:
        import torch
    except ImportError as error:
        yield Finding('machine', 'error', f'PyTorch cannot be imported: {error}',
                      'pip install torch, in the environment that the nodes run in')
        return
    version = f'PyTorch {torch.__version__}'
    if torch.cuda.is_available():
        yield Finding('machine', 'ok', f'{torch.cuda.get_device_name(0)}, {version}')
    else:
        yield Finding('machine', 'note', f'no GPU for {version}',
                      'not needed for state policies; for images run the learner on a machine '
                      'that has one (docs/how_to/learner_elsewhere.md)')


def _middleware() -> Iterator[Finding]:
    try:
        from inril_ros.nodes.clients.graph_checkup import send_large_message
    except ImportError as error:
        yield Finding('ros', 'error', f'ROS or the messages of inril_ros are missing: {error}',
                      'source the workspace (install/setup.bash) or .venv/env.sh')
        return
    took = send_large_message(_MEGABYTE)
    if took is None:
        yield Finding(
            'dds', 'error', 'a message of 1 MB did not reach another process of this machine',
            'check that multicast is allowed (ip link, firewall) and /dev/shm has room, or try '
            'another RMW_IMPLEMENTATION')
    else:
        yield Finding('dds', 'ok', f'1 MB to another process and back took {1e3 * took:.0f} ms')


def _without_ros(findings: list[Finding]) -> bool:
    return any(finding.area == 'ros' and 'missing' in finding.what for finding in findings)


def _show(finding: Finding) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f'[{_COLOURS[finding.level]}]{finding.level:<8}[/]{finding.area:<8} '
                  f'{escape(finding.what)}')
    if finding.advice:
        console.print(f'{"":<17}-> {escape(finding.advice)}', style='dim')


class _Progress:
    """Says on stderr what is looked at: in one line of a terminal, or in a line of a log each."""

    def __init__(self, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._status = self._console.status('') if self._console.is_terminal else None

    def __enter__(self) -> '_Progress':
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def doing(self, text: str) -> None:
        """Say what is looked at next."""
        if self._status is None:
            self._console.print(f'looking at {text} ...', markup=False, style='dim')
        else:
            self.still(text)

    def still(self, text: str) -> None:
        """Show what is still looked at, where there is a line that can change."""
        if self._status is not None:
            self._status.update(f'looking at {escape(text)} ...')
