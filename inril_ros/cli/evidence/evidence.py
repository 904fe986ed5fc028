# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril evidence``: the folder for a safety officer, and its check."""

from datetime import datetime, timezone
import json
from pathlib import Path
import shutil
from typing import Annotated, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console
from rich.markup import escape
import typer
from typer.core import TyperGroup

from inril_ros.data.evidence.manifest import (
    check_evidence,
    hash_all,
    run_files,
    write_manifest,
)
from inril_ros.data.evidence.signature import KeyUnusableError, sign, SIGNATURE
from inril_ros.data.record_files import RecordError, write_json, write_whole
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.robot.contract.contract import ContractError

DATA, PAGE, MATRIX = 'evidence.json', 'evidence.html', 'fault_matrix.json'
_NAMES = (DATA, PAGE, MATRIX, 'manifest.json', SIGNATURE)
_SHOWN = 20  # problems


class _WriteUnlessSaid(TyperGroup):
    """``inril evidence RUN`` is short for ``inril evidence write RUN``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the arguments begin with, or the one that writes."""
        named = not args or args[0] in self.commands or args[0].startswith('-')
        return super().resolve_command(ctx, args if named else ['write', *args])


app = typer.Typer(
    cls=_WriteUnlessSaid, no_args_is_help=True, add_completion=False,
    help='The folder for a safety officer: limits, versions, what the gate did, stops, faults.')


@app.command(name='write')
def write(
    run: Annotated[Path, typer.Argument(help='Folder of the run.')],
    out: Annotated[Path | None, typer.Option(
        help='Where to write it; left out: RUN/evidence.')] = None,
    faults: Annotated[Path | None, typer.Option(
        help='fault_matrix.json that inril faults made on this installation.')] = None,
    key: Annotated[Path | None, typer.Option(
        help='Ed25519 private key (PEM) that signs; left out: hashes only.')] = None,
) -> None:
    """Write the evidence of a run: a page, the same as JSON, and hashes of what it rests on."""
    folder = out or run / 'evidence'
    console = Console(stderr=True, highlight=False)
    try:
        with console.status('reading') as status:
            signer = write_evidence(
                RunDirectory.open(run), folder, faults, key,
                lambda text: status.update(escape(text)))
    except (KeyUnusableError, RecordError, ContractError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(folder / PAGE)
    typer.echo(f'signed by the key {signer}' if signer else
               'not signed: whoever can write the folder can write new hashes (--key)')


@app.command(name='check')
def check(
    folder: Annotated[Path, typer.Argument(help='The evidence folder.')],
    run: Annotated[Path | None, typer.Option(
        help='Folder of the run; left out: the folder above.')] = None,
    public_key: Annotated[Path | None, typer.Option(
        help='Ed25519 public key (PEM) that must have signed.')] = None,
) -> None:
    """Compare all that the evidence rests on with what it was; exit code 1 if a file differs."""
    console = Console(stderr=True, highlight=False)
    try:
        with console.status('comparing') as status:
            found = check_evidence(
                folder, run or folder.resolve().parent,
                None if public_key is None else public_key.read_bytes(),
                lambda done: status.update(f'comparing: {done} files'))
    except (KeyUnusableError, RecordError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    for problem in found.problems[:_SHOWN]:
        typer.echo(problem)
    if len(found.problems) > _SHOWN:
        typer.echo(f'... and {len(found.problems) - _SHOWN} more')
    typer.echo(f'{found.files} files are as they were, {len(found.problems)} problems')
    typer.echo(f'signed by {found.signature}' if found.signature else
               'not signed: this finds mistakes, not somebody who also wrote new hashes')
    if found.problems:
        raise typer.Exit(1)


def write_evidence(
    run: RunDirectory, folder: Path, faults: Path | None = None, key: Path | None = None,
    progress: Any = lambda text: None,
) -> str:
    """Write the evidence of a run, in place of what was there; return the fingerprint of the key.

    Args:
        run: The run.
        folder: Where to write; it may be there, with an earlier evidence.
        faults: A fault matrix (JSON).
        key: Private key that signs.
        progress: Called with what is done.

    Raises:
        RecordError: A record of the run is damaged, or the folder has other files.
        KeyUnusableError: The key can't be used.
    """
    from inril_ros.cli.evidence.content import evidence_of  # reads bags, which takes long to load

    if folder.exists() and any(path.name not in _NAMES for path in folder.iterdir()):
        raise RecordError(f'{folder}: has other files: give a folder of its own by --out')
    created = datetime.now(timezone.utc).isoformat(timespec='seconds')
    content = evidence_of(run, faults, progress)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    paths = list(run_files(run.path, folder))
    inputs = hash_all(run.path, paths, lambda done: progress(f'hashing: {done} of {len(paths)}'))
    names = [DATA, PAGE]
    if faults is not None:
        shutil.copyfile(faults, folder / MATRIX)
        names.append(MATRIX)
    write_json(folder / DATA, {'created': created, **content}, replace=True)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters['words'] = _words
    page = environment.get_template('evidence.html.jinja').render(
        **json.loads((folder / DATA).read_text(encoding='utf-8')), inputs=inputs,
        signed=key is not None, pairs=lambda rows: [(row['episode'], row['reason'])
                                                    for row in rows])
    write_whole(folder / PAGE, page)
    manifest = write_manifest(folder, run.settings.run_id, created, inputs, names)
    return '' if key is None else sign(folder, manifest.read_bytes(), key.read_bytes())


def _words(value: Any) -> str:
    """Return plain data as a person reads it."""
    if isinstance(value, dict):
        return ', '.join(f'{key}: {_words(item)}' for key, item in value.items()
                         if item not in ('', [], None))
    if isinstance(value, list):
        return ', '.join(map(_words, value))
    return str(value)
