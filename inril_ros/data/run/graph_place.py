# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the graph of a run is now, in ``graph.json``: how a client of it finds its ROS domain.

A simulated run takes a free domain at each stage, and keeps to its machine there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from inril_ros.data.record_files import read_record, RecordError, write_json
from inril_ros.robot.settings_check import checked

_FILE = 'graph.json'


@dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class GraphPlace:
    """A running graph.

    Attributes:
        stage: What it does.
        domain_id: Its ROS domain, in which nodes are found on this machine only; None: that of the
            environment.
    """

    stage: Annotated[str, Field(max_length=100)]
    domain_id: Annotated[int, Field(strict=True, ge=0, le=232)] | None


@contextmanager
def noted_graph(run: Path, stage: str, domain_id: int | None) -> Iterator[None]:
    """Note where the graph of a run is while it runs; see GraphPlace."""
    write_json(run / _FILE, {'stage': stage, 'domain_id': domain_id}, replace=True)
    try:
        yield
    finally:
        (run / _FILE).unlink(missing_ok=True)


def graph_place(run: Path) -> GraphPlace | None:
    """Return where the graph of a run is; None: none was noted, or what was can't be read.

    What was noted stays if the process that had started the graph was killed.
    """
    try:
        return checked(GraphPlace, read_record(run / _FILE), _FILE, RecordError)
    except (RecordError, OSError):
        return None
