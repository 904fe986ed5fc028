# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril teleop``: a teleop device, and the keys that begin and judge episodes."""

from typing import Annotated

import typer

from inril_ros.cli.options import Params, params_path
from inril_ros.cli.run.resources import find_configuration
from inril_ros.cli.teleop_check import check
from inril_ros.graph.description import (
    GraphDescription,
    NodeDescription,
    ros_arguments,
    with_parameters,
)

app = typer.Typer(invoke_without_command=True, add_completion=False)
app.command(name='check')(check)


@app.callback()
def teleop(
    context: typer.Context,
    contract: Annotated[str, typer.Option(
        '--contract', help='Robot contract: a file, or a name in config/robots. Needed.',
        show_default=False)] = '',
    device: Annotated[str, typer.Option(
        help='keyboard, joystick, spacemouse, leader or joint_jog.')] = 'keyboard',
    settings: Annotated[str, typer.Option(
        help='Settings of the device: a file, or a name in config/teleoperation; empty: its '
             'defaults.')] = '',
    namespace: Annotated[str, typer.Option(help='ROS namespace of the robot.')] = '',
    params: Params = None,
    sim_time: Annotated[bool, typer.Option('--sim-time', help='Follow /clock.')] = False,
) -> None:
    """Drive the arm from this terminal; its keys begin and judge episodes, whatever the device."""
    if context.invoked_subcommand is not None:
        return
    if not contract:
        raise typer.BadParameter('say which robot', param_hint='--contract')
    from inril_ros.nodes.teleop_node import main

    parameters = {
        'contract': str(find_configuration('robots', contract)), 'device': device,
        'settings': str(find_configuration('teleoperation', settings)) if settings else '',
        'use_sim_time': sim_time}
    graph = GraphDescription('teleop', (
        NodeDescription('teleop_node', 'teleop_node', namespace, parameters),))
    if path := params_path(params):
        graph = with_parameters(graph, path)
    raise typer.Exit(main(ros_arguments(graph.nodes[0])))
