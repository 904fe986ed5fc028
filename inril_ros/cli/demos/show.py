# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos show``: one recorded episode as a table and a picture, whatever became of it."""

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
import typer

from inril_ros.cli.demos.folder import contract_of
from inril_ros.cli.demos.rest_options import Rest
from inril_ros.cli.demos.whole_table import print_whole
from inril_ros.cli.options import ContractName, with_groups
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import Contract

if TYPE_CHECKING:
    from inril_ros.data.audit.rest import LeftOut


@with_groups
def show(
    bag: Annotated[Path, typer.Argument(help='Bag of one episode, also of a discarded one.')],
    rest: Rest, contract: ContractName = '',
    out: Annotated[Path | None, typer.Option(
        help='Picture to write; default: <bag>.png beside the folder of the bag.')] = None,
) -> None:
    """Show one episode: a table, and a contact sheet of images, curves and events.

    Discarded ones are shown as far as they can be read: those in rejected/, those that have no
    end, and those of a dry run. What edits and rest leave out is hatched. Times count from the
    beginning of the recording, as those of inril demos trim and split do.
    """
    from inril_ros.cli.demos.contact_sheet import write_contact_sheet
    from inril_ros.data.audit.rest import LeftOut
    from inril_ros.data.bags.bags import BagError

    if not bag.is_dir():
        raise BagError(f'{bag}: is no folder of a bag; inril demos list shows those there are')
    robot = contract_of(contract, bag.parent)
    episode, reasons = _read(bag, robot)
    left_out, split_at = LeftOut(), None
    for line in reasons:
        typer.echo(line)
    if episode is not None and not reasons:
        left_out, split_at, told = _left_out(bag, episode, robot, rest)
        for line in told:
            typer.echo(line)
    if episode is not None:
        print_whole(_table(episode, robot))
    out = out or bag.with_name(f'{bag.name}.png')
    write_contact_sheet(bag, episode, robot, out, left_out, '; '.join(reasons), split_at)
    typer.echo(out)


def _left_out(
    bag: Path, episode: RecordedEpisode, robot: Contract, rest: Rest,
) -> 'tuple[LeftOut, int | None, list[str]]':
    """Return what edits and rest leave out of a recording, its split, and both in words."""
    from inril_ros.data.audit.rest import LeftOut, rest_of
    from inril_ros.data.demonstrations.edit_file import read_edits
    from inril_ros.data.demonstrations.pieces import pieces_of

    edits, pieces, number = read_edits(bag), pieces_of(bag), len(episode.actions)
    rests = [rest_of(piece.of(episode), robot, rest.rules()) for piece in pieces]
    told = [str(each) for each in edits.counting]
    told += [f'{piece.name}: {each} where it is learned from' if len(pieces) > 1 else
             f'{each} where it is learned from' for piece, each in zip(pieces, rests) if each]
    last = number if pieces[-1].until is None else pieces[-1].until
    whole = LeftOut(pieces[0].first + rests[0].begin, number - last + rests[-1].end, robot.period)
    return whole, edits.split.at if edits.split else None, told


def _read(bag: Path, robot: Contract) -> tuple[RecordedEpisode | None, list[str]]:
    """Return what can be read of an episode, and why it is no demonstration, or not all of it."""
    from inril_ros.data.bags.bags import BagError
    from inril_ros.data.bags.reading import read_episode
    from inril_ros.data.demonstrations.aligned_cache import aligned_episode
    from inril_ros.data.demonstrations.demonstration_set import described

    about = described(bag)
    reasons = [f'{about.state}: {about.note or about.outcome}'] if about.state != 'kept' else []
    try:
        return aligned_episode(bag, robot), reasons
    except BagError as error:
        reasons.append(str(error).removeprefix(f'{bag}: '))
    try:
        return read_episode(bag, robot, to_look_at=True), reasons
    except BagError as error:
        reason = str(error).removeprefix(f'{bag}: ')
        return None, [*reasons, *([reason] if reason not in reasons else []),
                      'only its images are shown']


def _table(episode: RecordedEpisode, robot: Contract) -> Table:
    table = Table('quantity', 'values', 'least', 'mean', 'most', box=SIMPLE_HEAD)
    start, parts = 0, {}
    for name in robot.policy_observations:
        parts[name] = episode.observations[:, start:start + robot.length(name)]
        start += robot.length(name)
    parts |= {f'{name} (action)': episode.actions[:, robot.action_slice(name)]
              for name in robot.actions}
    for name, part in parts.items():
        table.add_row(name, str(part.shape[1]), *(
            f'{value:.4g}' for value in (part.min(), part.mean(), part.max())))
    return table
