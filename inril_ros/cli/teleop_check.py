# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril teleop check``: can a person drive this arm smoothly?"""

from dataclasses import asdict
import json
import sys
from typing import Annotated

from rich.console import Console
from rich.markup import escape
import typer

from inril_ros.cli.run.resources import find_configuration
from inril_ros.doctor.driving import check_driving, measure_driving
from inril_ros.doctor.finding import worst
from inril_ros.robot.contract.contract import load_contract

_COLOURS = {'ok': 'green', 'note': 'cyan', 'warning': 'yellow', 'error': 'bold red'}


def check(
    contract: Annotated[str, typer.Option(
        '--contract', help='Robot contract: a file, or a name in config/robots.')],
    namespace: Annotated[str, typer.Option(help='ROS namespace of the robot.')] = '/',
    seconds: Annotated[float, typer.Option(
        min=3.0, max=600.0, help='How long to watch from the first command on.')] = 20.0,
    patience: Annotated[float, typer.Option(
        min=1.0, max=3600.0, help='How long to wait for a person who drives.')] = 120.0,
    json_output: Annotated[bool, typer.Option('--json', help='One JSON document.')] = False,
) -> None:
    """Watch a person drive: delays, tracking, and what the gate changed. Exit code 1 if it fails.

    Begin a demonstration in another terminal and drive. This command only listens.
    """
    from inril_ros.nodes.clients.driving_witness import CannotBeDriven, witness_driving

    described = load_contract(find_configuration('robots', contract))
    console = Console(stderr=True, quiet=json_output, highlight=False)
    try:
        with console.status('') as status:
            record = witness_driving(described, namespace, seconds, patience,
                                     lambda text: status.update(f'waiting for {escape(text)}'))
    except CannotBeDriven as error:
        console.print(escape(f'{contract}: {error}'))
        raise typer.Exit(1) from None
    measured = measure_driving(record, described.period)
    found = list(check_driving(measured, described))
    if json_output:
        typer.echo(json.dumps({'verdict': worst(found), 'measured': asdict(measured),
                               'findings': [asdict(finding) for finding in found]}))
    else:
        output = Console(highlight=False, soft_wrap=True, file=sys.stdout)
        for finding in found:
            output.print(f'[{_COLOURS[finding.level]}]{finding.level:<8}[/]'
                         f'{escape(finding.what)}')
            if finding.advice:
                output.print(f'{"":<8}-> {escape(finding.advice)}', style='dim')
    if worst(found) == 'error':
        raise typer.Exit(1)
