# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos import``: the episodes of a bag as demonstrations."""

from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress
import typer

from inril_ros.cli.options import ContractName, UsageError, with_groups
from inril_ros.cli.run.resources import find_configuration
from inril_ros.robot.contract.contract import load_contract

if TYPE_CHECKING:
    from inril_ros.data.importing.import_options import ImportOptions
    from inril_ros.data.importing.imported_episode import ImportedEpisode


@dataclass(frozen=True)
class Recording:
    """The recording."""

    mapping: Annotated[Path | None, typer.Option(
        help='YAML file: the topics of the bag, and where commands are found.')] = None
    remap: Annotated[list[str] | None, typer.Option(
        help="The contract's topic:=the bag's; may be repeated.")] = None
    namespace: Annotated[str, typer.Option(help='Namespace of the robot in the bag.')] = '/'
    cut: Annotated[str, typer.Option(
        help='How it is cut into episodes: whole, gaps:SECONDS, topic:NAME or csv:FILE.',
    )] = 'whole'
    outcome: Annotated[str, typer.Option(
        help='Outcome of episodes for which the recording has none: success, failure or '
             'time_limit.')] = 'success'
    task: Annotated[str, typer.Option(help='Name of the task.')] = ''
    operator: Annotated[str, typer.Option(help='Name of the operator.')] = ''
    settle: Annotated[float, typer.Option(
        help='How much later than its stamp a message may have come, in seconds.')] = 0.2

    def options(self) -> 'ImportOptions':
        """Return the options of the import.

        Raises:
            UsageError: A value is not allowed.
        """
        from inril_ros.data.importing.episode_cuts import CutRule
        from inril_ros.data.importing.import_mapping import ImportMapping, load_mapping
        from inril_ros.data.importing.import_options import ImportOptions
        from inril_ros.robot.episode import EpisodeOutcome

        outcomes = {'success': EpisodeOutcome.SUCCESS, 'failure': EpisodeOutcome.FAILURE,
                    'time_limit': EpisodeOutcome.TIME_LIMIT}
        if self.outcome not in outcomes:
            raise UsageError(f'--outcome {self.outcome}: allowed are {", ".join(outcomes)}')
        if not 0.0 <= self.settle <= 60.0:
            raise UsageError(f'--settle {self.settle}: allowed are 0 to 60 s')
        mapping = ImportMapping() if self.mapping is None else load_mapping(self.mapping)
        return ImportOptions(
            mapping=mapping.remapped(dict(map(_remapped, self.remap or ()))),
            cut=CutRule.parse(self.cut), namespace=self.namespace,
            outcome=outcomes[self.outcome], task=self.task, operator=self.operator,
            settle=self.settle)


@with_groups
def import_(
    sources: Annotated[list[Path], typer.Argument(
        help='A bag of ROS 2 (folder, .mcap, .db3), or .bag files of ROS 1 of one recording.')],
    to: Annotated[Path, typer.Option(help='Folder of the demonstrations.')],
    contract: ContractName,
    recording: Recording,
    json_output: Annotated[bool, typer.Option(
        '--json', help='JSON of each episode, with its notes.')] = False,
) -> None:
    """Import a recording: each of its episodes becomes a bag as the recorder makes them.

    Exit code 1 if no episode was kept.
    """
    from inril_ros.data.importing.bag_import import import_bag

    options = recording.options()
    robot = load_contract(find_configuration('robots', contract))
    console = Console(highlight=False, quiet=json_output, markup=False, soft_wrap=True)
    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task('reading', total=1.0)
        done = import_bag(
            sources, robot, to, options,
            on_episode=lambda episode: console.print(_line(episode), *episode.notes, sep='\n  '),
            on_progress=lambda share: progress.update(bar, completed=share))
    if json_output:
        typer.echo(json.dumps([asdict(episode) for episode in done], indent=2))
    kept = [episode for episode in done if episode.kept]
    console.print(f'{len(kept)} of {len(done)} episodes are in {to}: '
                  f'{sum(episode.ticks for episode in kept)} ticks, '
                  f'{sum(episode.seconds for episode in kept):.1f} s')
    if len(kept) < len(done):
        console.print(f'{len(done) - len(kept)} are in {to / "rejected"}')
    clipped = sum(episode.clipped for episode in done)
    if clipped:
        console.print(f'{clipped} ticks had commands beyond the limits of the contract: they were '
                      'cut to them. If the robot really moved like that, widen the limits.')
    if not kept:
        raise typer.Exit(1)


def _line(episode: 'ImportedEpisode') -> str:
    if not episode.kept:
        return f'{episode.name}: rejected: {episode.reason}'
    return f'{episode.name}: {episode.ticks} ticks, {episode.seconds:.1f} s'


def _remapped(pair: str) -> tuple[str, str]:
    ours, sign, theirs = pair.partition(':=')
    if not sign or not ours or not theirs:
        raise UsageError(f"--remap {pair}: must be <the contract's topic>:=<the bag's>")
    return ours, theirs
