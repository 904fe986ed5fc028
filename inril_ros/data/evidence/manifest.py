# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The manifest of an evidence folder: SHA-256 of each file that it rests on and that it has.

Hashes show that something was changed after the folder was written, as long as the manifest itself
was not: whoever can write it can write new hashes. A signature (``signature``) shows that too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from inril_ros.data.evidence.signature import signature_in
from inril_ros.data.record_files import read_record, RecordError, write_json
from inril_ros.robot.settings_check import checked

MANIFEST = 'manifest.json'
FORMAT = 1
#: What is no evidence: logs, what is made from the rest, and the learner's state.
LEFT_OUT = ('logs', 'tensorboard', 'report.html', 'summary.json', 'finetune/checkpoints')
_PIECE = 1 << 20  # [byte]
_Hash = Annotated[str, Field(pattern=r'^[0-9a-f]{64}$')]


@checked_dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class Hashed:
    """One file.

    Attributes:
        sha256: SHA-256 of its content.
        bytes: Its size.
    """

    sha256: _Hash
    bytes: Annotated[int, Field(ge=0)]


@checked_dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class Manifest:
    """What an evidence folder rests on.

    Attributes:
        format: Version of this form.
        run_id: UUID of the run.
        created: When it was made, ISO 8601, UTC.
        inputs: Files of the run, by their path in its folder.
        files: Files of the evidence folder, by name.
    """

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    run_id: Annotated[str, Field(max_length=64)]
    created: Annotated[str, Field(max_length=64)]
    inputs: dict[str, Hashed]
    files: dict[str, Hashed]


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes:
        problems: What was changed, is missing or is new, one sentence each.
        files: Number of files that are as they were.
        signature: Who signed, in words; empty: nobody.
    """

    problems: tuple[str, ...]
    files: int
    signature: str


def run_files(run: Path, evidence: Path) -> Iterator[Path]:
    """Yield the files of a run that are evidence, in order of their paths.

    Links are not followed, hidden files are those of running processes, and evidence folders are
    no evidence of themselves.
    """
    for folder, names, files in os.walk(run):
        place = Path(folder)
        names[:] = sorted(
            name for name in names if not name.startswith('.') and place / name != evidence
            and (place / name).relative_to(run).as_posix() not in LEFT_OUT
            and not (place / name / MANIFEST).exists())
        for name in sorted(files):
            path = place / name
            if not name.startswith('.') and not path.is_symlink() \
                    and path.relative_to(run).as_posix() not in LEFT_OUT:
                yield path


def hashed(path: Path) -> Hashed:
    """Return hash and size of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open('rb') as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return Hashed(digest.hexdigest(), size)


def hash_all(root: Path, paths: list[Path], progress: Callable[[int], object]) -> dict[str, Any]:
    """Return hashes as plain data, by path below a folder; ``progress`` gets the number done."""
    found = {}
    for number, path in enumerate(paths, start=1):
        one = hashed(path)
        found[path.relative_to(root).as_posix()] = {'sha256': one.sha256, 'bytes': one.bytes}
        progress(number)
    return found


def write_manifest(
    folder: Path, run_id: str, created: str, inputs: dict[str, Any], names: list[str],
) -> Path:
    """Write the manifest of a folder whose files are there; return its path."""
    path = folder / MANIFEST
    write_json(path, {'format': FORMAT, 'run_id': run_id, 'created': created, 'inputs': inputs,
                      'files': hash_all(folder, [folder / name for name in names],
                                        lambda done: None)}, replace=True)
    return path


def check_evidence(
    folder: Path, run: Path, public_key: bytes | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> Check:
    """Compare all files of a manifest with what they were, and check its signature.

    Args:
        folder: The evidence folder.
        run: The run's folder.
        public_key: Ed25519 key in PEM that must have signed; None: any, or none.
        progress: Called with the number of files that were compared.

    Raises:
        RecordError: There is no manifest, or it isn't one.
    """
    path = folder / MANIFEST
    manifest = checked(Manifest, read_record(path), str(path), RecordError)
    signed = signature_in(folder, path.read_bytes(), public_key)
    problems, done = list(signed.problems), 0
    for root, files in ((run, manifest.inputs), (folder, manifest.files)):
        for name, before in files.items():
            progress(done)
            problem = _difference(root, name, before)
            if problem:
                problems.append(problem)
            else:
                done += 1
    new = [path.relative_to(run).as_posix() for path in run_files(run, folder)] \
        if run.is_dir() else []
    problems += [f'{name}: was not there when the evidence was written'
                 for name in new if name not in manifest.inputs]
    return Check(tuple(problems), done, signed.signer)


def _difference(root: Path, name: str, before: Hashed) -> str:
    """Return how a file differs from what it was; empty if it doesn't."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or '..' in parts.parts:
        return f'{name}: is no path in the folder'
    path = root / name
    if path.is_symlink() or not path.is_file():
        return f'{name}: is missing'
    now = hashed(path)
    if now.sha256 == before.sha256:
        return ''
    return (f'{name}: was changed (SHA-256 {before.sha256[:12]}..., {before.bytes} bytes; now '
            f'{now.sha256[:12]}..., {now.bytes} bytes)')
