# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos repair``: save what is whole of a bag whose end is missing."""

from pathlib import Path
from typing import Annotated

import typer


def repair(
    bag: Annotated[Path, typer.Argument(
        help='Bag of ROS 2: a folder, also <name>.tmp of a killed recorder, or a file *.mcap, '
             '*.db3, *.mcap.zstd or *.db3.zstd.')],
    to: Annotated[Path | None, typer.Option(
        help='Folder of the new bag. Default: <name>_repaired beside the bag and, for <name>.tmp, '
             'rejected/<name>_recovered.')] = None,
) -> None:
    """Write the whole messages of a bag that was not closed, is cut off, or lacks files."""
    from inril_ros.data.bags.repair import repair_bag

    done = repair_bag(bag, to)
    typer.echo(f'{done.path}: {done.messages} messages')
    for note in done.notes:
        typer.echo(f'  {note}')
