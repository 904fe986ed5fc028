# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder of demonstrations that a command of ``inril demos`` is given, and its contract."""

from pathlib import Path
from typing import Annotated

import typer

from inril_ros.cli.run.resources import find_configuration
from inril_ros.robot.contract.contract import Contract, ContractError, load_contract

Folder = Annotated[Path, typer.Argument(help='Folder of the demonstrations.')]
Json = Annotated[bool, typer.Option('--json', help='JSON instead of a table.')]


def contract_of(name: str, folder: Path) -> Contract:
    """Return the contract of that name, or the one that lies with the demonstrations.

    Raises:
        ContractError: There is none, or it breaks a rule.
    """
    if name:
        return load_contract(find_configuration('robots', name))
    for path in (folder, folder.parent, folder.parent.parent):
        if (path / 'contract.yaml').is_file():
            return load_contract(path / 'contract.yaml')
    raise ContractError(f'{folder}: no contract.yaml there or above: give --contract FILE')


def tell_outdated(folder: Path, robot: Contract | None = None) -> None:
    """Say which bags must be imported again, and which are of a former meaning of the contract."""
    from inril_ros.data.demonstrations.former_contracts import former_recordings
    from inril_ros.data.demonstrations.import_versions import outdated_imports

    notices = outdated_imports(folder), former_recordings(folder, robot) if robot else ''
    for notice in filter(None, notices):
        typer.echo(notice, err=True)
