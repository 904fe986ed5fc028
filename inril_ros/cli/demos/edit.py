# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos drop|label|trim|split|restore``: demonstrations edited, bags as they were."""

from getpass import getuser
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from inril_ros.cli.demos.folder import contract_of
from inril_ros.cli.options import ContractName, UsageError

if TYPE_CHECKING:
    from inril_ros.data.demonstrations.edit_log import Edits
    from inril_ros.robot.contract.contract import Contract

_Bags = Annotated[list[Path], typer.Argument(help='Bags of demonstrations.', show_default=False)]
_Bag = Annotated[Path, typer.Argument(help='Bag of a demonstration.', show_default=False)]
_Note = Annotated[str, typer.Option(help='Why; it is kept with the edit.')]
_By = Annotated[str, typer.Option(help='Who does it.', show_default='the user of this computer')]
_InTicks = Annotated[bool, typer.Option('--ticks', help='Times are ticks, not seconds.')]
_OUTCOMES = ('success', 'failure')


def drop(bags: _Bags, note: _Note = '', by: _By = '') -> None:
    """Leave demonstrations out wherever they are read; inril demos restore takes them back.

    Nothing is moved or deleted: the edit is in <bag>.edits.json beside the bag. inril record
    records as many anew.
    """
    from inril_ros.data.demonstrations import editing

    for bag in bags:
        _tell(bag, editing.drop(bag, by or getuser(), note))


def restore(bags: _Bags, note: _Note = '', by: _By = '') -> None:
    """Undo all edits of demonstrations: they are read as they were recorded.

    The edits stay in <bag>.edits.json, as does who undid them.
    """
    from inril_ros.data.demonstrations import editing

    for bag in bags:
        _tell(bag, editing.restore(bag, by or getuser(), note))


def label(
    bags: _Bags,
    outcome: Annotated[str, typer.Option(help='success or failure.', show_default=False)],
    note: _Note = '', by: _By = '',
) -> None:
    """Say that demonstrations succeeded or failed, whatever was recorded.

    A failure isn't imitated any more: pretrain, check and the learner leave it out, exports have
    it with its outcome, and a classifier (inril reward train) learns from it as a failure. The
    reward of the last tick becomes 1 or 0 where the outcome is another than the recorded one.
    """
    from inril_ros.data.demonstrations import editing

    _check_outcome('--outcome', outcome)
    for bag in bags:
        _tell(bag, editing.label(bag, outcome, by or getuser(), note))


def trim(
    bag: _Bag,
    begin: Annotated[float | None, typer.Option(
        min=0.0, help='Seconds that are left out at the beginning of the recording.')] = None,
    end: Annotated[float | None, typer.Option(
        min=0.0, help='Seconds that are left out at its end.')] = None,
    ticks: _InTicks = False, contract: ContractName = '', note: _Note = '', by: _By = '',
) -> None:
    """Leave out the beginning or the end of a demonstration.

    Both count from the ends of the recording, whatever was trimmed before; --begin 0 takes the
    beginning back, and an end that isn't given stays as it is. The outcome and its reward move to
    the new end. Rest at the ends is looked for in what is left. inril demos show draws the times.

      [bold]inril demos trim runs/a/demonstrations/0003_1f2e3d4c --begin 0.8 --end 1.5[/bold]
    """
    from inril_ros.data.demonstrations import editing

    if begin is None and end is None:
        raise UsageError('give --begin, --end or both: how much is left out there')
    robot = contract_of(contract, bag.parent)
    _tell(bag, editing.trim(bag, robot, by or getuser(), _in_ticks(begin, ticks, robot),
                            _in_ticks(end, ticks, robot), note))


def split(
    bag: _Bag,
    at: Annotated[float, typer.Option(
        min=0.0, help='Second of the recording at which the second one begins.',
        show_default=False)],
    first: Annotated[str, typer.Option(
        help='Outcome of the first one, success or failure: nobody has said it before.',
        show_default=False)],
    second: Annotated[str, typer.Option(
        help='Outcome of the second one.', show_default='that of the whole')] = '',
    ticks: _InTicks = False, contract: ContractName = '', note: _Note = '', by: _By = '',
) -> None:
    """Make two demonstrations of one: a failed attempt and the one that succeeded, say.

    They are called <bag>.1 and <bag>.2. The second begins with what was seen at that time, as if
    the robot had been put there. Another split replaces this one; trim both parts' outer ends with
    inril demos trim.

      [bold]inril demos split runs/a/demonstrations/0003_1f2e3d4c --at 4.2 --first failure[/bold]
    """
    from inril_ros.data.demonstrations import editing

    _check_outcome('--first', first)
    if second:
        _check_outcome('--second', second)
    robot = contract_of(contract, bag.parent)
    _tell(bag, editing.split(bag, robot, by or getuser(), _in_ticks(at, ticks, robot), first,
                             second or None, note))


def _check_outcome(option: str, outcome: str) -> None:
    if outcome not in _OUTCOMES:
        raise UsageError(f'{option} {outcome}: allowed are {", ".join(_OUTCOMES)}')


def _in_ticks(value: float | None, ticks: bool, robot: 'Contract') -> int | None:
    """Return seconds, or ticks, as ticks.

    Raises:
        UsageError: Ticks that aren't whole.
    """
    if value is None:
        return None
    if ticks and value != int(value):
        raise UsageError(f'{value:g} ticks: they must be whole')
    return int(value) if ticks else round(value * robot.control_rate)


def _tell(bag: Path, edits: 'Edits') -> None:
    """Say what counts of the edits of a bag now."""
    lines = list(map(str, edits.counting)) or ['as it was recorded']
    typer.echo('\n'.join(f'{bag.name}: {line}' for line in lines))
