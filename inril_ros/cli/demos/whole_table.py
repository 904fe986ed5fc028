# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Tables of which nothing is cut off, however narrow the terminal is."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDE = 4096  # columns


def print_whole(table: Table) -> None:
    """Print a table whose columns without ``no_wrap`` may be as narrow as their longest word.

    Where the others need more than the terminal has, the terminal wraps the lines.
    """
    console = Console(highlight=False)
    wide = console.options.update(max_width=_WIDE)
    for column in table.columns:
        if column.no_wrap:
            cells = (column.header, *column.cells)
            column.min_width = max(Measurement.get(console, wide, cell).maximum for cell in cells)
    needed = Measurement.get(console, wide, table).minimum
    Console(highlight=False, width=max(console.width, needed)).print(table)
