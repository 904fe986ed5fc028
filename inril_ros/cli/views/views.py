# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril views``: layouts for RViz and Foxglove that fit a robot."""

from pathlib import Path
import shlex
from typing import Annotated

import typer

from inril_ros.cli.run.resources import find_configuration
from inril_ros.cli.views.foxglove import foxglove_text
from inril_ros.cli.views.robot_view import robot_view
from inril_ros.cli.views.rviz import rviz_text
from inril_ros.robot.contract.contract import load_contract


def views(
    contract: Annotated[str, typer.Argument(
        help='Robot contract: a file, or a name in config/robots.')],
    namespace: Annotated[str, typer.Option(help='ROS namespace of the robot.')] = '',
    frame_prefix: Annotated[str, typer.Option(
        help="What begins the names of the arm's frames, for example left/.")] = '',
    to: Annotated[Path, typer.Option(help='Folder to write to.')] = Path(),
    overwrite: Annotated[bool, typer.Option(
        '--overwrite', help='Replace layouts that are there.')] = False,
) -> None:
    """Write an RViz and a Foxglove layout for a robot: topics, joints, cameras, services."""
    path = find_configuration('robots', contract)
    view = robot_view(load_contract(path), path, namespace, frame_prefix)
    texts = {to / f'{view.title}.rviz': rviz_text(view),
             to / f'{view.title}_foxglove.json': foxglove_text(view)}
    for file in texts:
        if file.exists() and not overwrite:
            raise FileExistsError(f'{file} exists already: replace it with --overwrite')
    to.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        file.write_text(text, encoding='utf-8')
    rviz, foxglove = texts
    typer.echo(f'{rviz}: rviz2 -d {shlex.quote(str(rviz))}\n'
               f'{foxglove}: in Foxglove, Layouts, Import from file; on the robot: '
               'ros2 launch foxglove_bridge foxglove_bridge_launch.xml')
