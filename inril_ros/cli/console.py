# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril console``: a web page for the person beside the robot."""

from importlib.util import find_spec
from pathlib import Path
import secrets
import sys
from typing import Annotated

import typer

from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.settings import UsageError
from inril_ros.robot.contract.contract import load_contract


def console(
    run_dir: Annotated[Path, typer.Argument(help='Folder of the run.')],
    host: Annotated[str, typer.Option(
        help='Address to listen on; for any but 127.0.0.1 a token is needed.')] = '127.0.0.1',
    port: Annotated[int, typer.Option(min=0, max=65535, help='Port; 0: a free one.')] = 8090,
    token: Annotated[str, typer.Option(
        envvar='INRIL_CONSOLE_TOKEN', show_default='a new one where one is needed',
        help='What gives access to the page; better in the environment, where other users of '
             'this machine do not see it.')] = '',
    domain: Annotated[int | None, typer.Option(
        min=0, max=232, help='ROS domain.', show_default='as the run notes while a graph of it '
                                                         "is up, else the environment's")] = None,
    robot: Annotated[list[str] | None, typer.Option(
        help='Namespace of a robot; may be given several times.',
        show_default='all that are found')] = None,
) -> None:
    """Show a run in a web page: what the robot does and waits for, its cameras, and buttons.

    Start it before, beside or after the stages of the run, on the computer of the robot, and open
    the address that it prints. It is a client only: ending it changes nothing. From another
    computer, the safe way is ssh -L 8090:127.0.0.1:8090 ROBOT, then http://127.0.0.1:8090 there.
    """
    if find_spec('nicegui') is None:
        raise UsageError("NiceGUI is missing: pip install 'inril_ros[console]'")
    from inril_ros.console.robots import Robots
    from inril_ros.console.server import is_local, listen, serve

    run = RunDirectory.open(run_dir)
    made = '' if token or is_local(host) else secrets.token_urlsafe()
    with listen(host, port) as listening:
        address = f'http://{_shown(host)}:{listening.getsockname()[1]}'
        typer.echo(f'{run.path}: {address}' + (f'/?token={made}' if made else ''))
        if token:
            typer.echo('the page asks for the token that was given')
        sys.stdout.flush()
        with Robots(run, load_contract(run.contract), domain, robot or (),
                    lambda error: print(f'the console missed something: {error!r}',
                                        file=sys.stderr)) as robots:
            serve(robots, run.path.resolve().name, listening, token or made)
    typer.echo('the console has ended; the robot goes on')


def _shown(host: str) -> str:
    return f'[{host}]' if ':' in host else host
