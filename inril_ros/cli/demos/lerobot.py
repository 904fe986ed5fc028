# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos import-lerobot``: the episodes of a LeRobot dataset as demonstrations."""

from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

from rich.console import Console
import typer

from inril_ros.cli.options import ContractName, UsageError, with_groups
from inril_ros.cli.run.resources import find_configuration
from inril_ros.robot.contract.contract import load_contract

if TYPE_CHECKING:
    from inril_ros.data.lerobot.options import LeRobotOptions


@dataclass(frozen=True)
class What:
    """What the dataset doesn't say."""

    map: Annotated[list[str] | None, typer.Option(
        help="The contract's joint or camera=the dataset's name of it; may be repeated.")] = None
    units: Annotated[list[str] | None, typer.Option(
        help='UNIT of all joints but grippers, or JOINT=UNIT; may be repeated. UNIT is si '
             '(radians or metres), degrees, millimetres, or over the range of the joint percent '
             "(0 to 100), range (-100 to 100) or share (0 to 1). The range is the contract's "
             'limits, or other ends: percent:LOW:HIGH.',
    )] = None
    degrees: Annotated[bool, typer.Option(
        '--degrees', help='The same as --units degrees.')] = False
    outcome: Annotated[str, typer.Option(
        help='Outcome of episodes for which the dataset has none: success, failure or '
             'time_limit.')] = ''
    task: Annotated[str, typer.Option(help='Task of episodes that have none.')] = ''
    operator: Annotated[str, typer.Option(help='Name of the operator.')] = ''


@dataclass(frozen=True)
class Changes:
    """What may be done to it."""

    resample: Annotated[bool, typer.Option(
        '--resample', help="Make ticks at the contract's rate of frames at another.")] = False
    stretch: Annotated[bool, typer.Option(
        '--stretch', help="Distort images to the size of the contract's camera.")] = False
    skip_broken: Annotated[bool, typer.Option(
        '--skip-broken', help='Import the other episodes if some are not whole.')] = False

    def options(self, what: What) -> 'LeRobotOptions':
        """Return the options of the import.

        Raises:
            UsageError: A value is not allowed.
        """
        from inril_ros.data.lerobot.options import LeRobotOptions
        from inril_ros.robot.episode import EpisodeOutcome

        outcomes = {'': None, 'success': EpisodeOutcome.SUCCESS, 'failure': EpisodeOutcome.FAILURE,
                    'time_limit': EpisodeOutcome.TIME_LIMIT}
        if what.outcome not in outcomes:
            raise UsageError(f'--outcome {what.outcome}: allowed are '
                             f'{", ".join(filter(None, outcomes))}')
        return LeRobotOptions(
            names=what.map or (), units=(*(what.units or ()), *['degrees'] * what.degrees),
            outcome=outcomes[what.outcome], task=what.task, operator=what.operator,
            resample=self.resample, stretch=self.stretch, skip_broken=self.skip_broken)


@with_groups
def import_lerobot_(
    dataset: Annotated[Path, typer.Argument(
        help='Folder of a LeRobotDataset of version 2.0, 2.1 or 3.0.')],
    to: Annotated[Path, typer.Option(help='Folder of the demonstrations.')],
    contract: ContractName,
    what: What,
    changes: Changes,
    json_output: Annotated[bool, typer.Option(
        '--json', help='JSON instead of sentences.')] = False,
) -> None:
    """Import the episodes of a LeRobot dataset as bags."""
    from inril_ros.data.lerobot.importing import import_lerobot

    robot = load_contract(find_configuration('robots', contract))
    # Beside JSON, what the dataset was taken for goes to stderr.
    console = Console(highlight=False, stderr=json_output, markup=False, soft_wrap=True)
    done = import_lerobot(dataset, robot, to, changes.options(what), on_note=console.print)
    for episode in done:
        console.print(f'{episode.name}: {episode.ticks} ticks' if episode.kept
                      else f'{episode.name}: left out, {episode.reason}', *episode.notes,
                      sep='\n  ')
    if json_output:
        typer.echo(json.dumps([asdict(episode) for episode in done], indent=2))
    kept = sum(episode.kept for episode in done)
    console.print(f'{kept} of {len(done)} episodes are in {to}')
    if not kept:
        raise typer.Exit(1)
