# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""JSON and JSON Lines files that survive a crash: whole files and whole lines, or none."""

from collections.abc import Mapping
from functools import partial
import json
import math
import os
from pathlib import Path
from types import TracebackType
from typing import Any


class RecordError(ValueError):
    """A file with wrong content; the message names file and line."""


def write_json(path: str | Path, content: Any, replace: bool = False) -> None:
    """Write a file whole, or not at all. Numbers unknown to JSON (NaN, infinity) become null.

    Raises:
        FileExistsError: It exists already, and ``replace`` is false.
        OSError: It could not be written; nothing of it is left.
    """
    path = Path(path)
    if path.exists() and not replace:
        raise FileExistsError(f'{path} exists: what a run has written is not written over')
    text = json.dumps(_plain(content), indent=2, allow_nan=False, ensure_ascii=False)
    write_whole(path, f'{text}\n')


def write_whole(path: Path, content: str | bytes, sync: bool = True) -> None:
    """Write a file completely or not at all; replace an existing one.

    Args:
        path: Path of the file.
        content: Content of the file; text is written as UTF-8.
        sync: The file survives a power cut.

    Raises:
        OSError: It could not be written; nothing of it is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        with temporary.open('wb') as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if not sync:
        return
    # The new name is on disk only once the folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_json(path: str | Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        RecordError: It can't be read, or isn't JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding='utf-8'),
                          object_hook=partial(Record.of, str(path)))
    except OSError as error:
        raise RecordError(f'{path}: cannot be read: {error.strerror}') from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f'{path}: is not JSON: {error}') from error


def read_record(path: str | Path) -> 'Record':
    """Return the object in a JSON file.

    Raises:
        RecordError: It can't be read, isn't JSON, or is no object.
    """
    content = read_json(path)
    if not isinstance(content, Record):
        raise RecordError(f'{path}: must be an object of keys and values, is '
                          f'{type(content).__name__}')
    return content


class Record(dict):
    """A JSON object of a file; asking it for a key that it lacks names the file.

    Attributes:
        source: The file, and the line if it has several objects.
    """

    source = 'a record'

    @classmethod
    def of(cls, source: str, content: Mapping[str, Any]) -> 'Record':
        """Return keys and values of a file. Copies are made as those of a dict, and forget it."""
        record = cls(content)
        record.source = source
        return record

    def __missing__(self, key: str) -> Any:
        raise RecordError(f'{self.source}: has no {key!r}')


class JsonLines:
    """A file of one JSON object per line, to which lines are only added.

    A last line without an end, which a killed process leaves, is cut off, so that the next record
    begins on a line of its own. As a context manager it closes the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open('a+b')
        self._file.seek(0)
        whole = self._file.read().rfind(b'\n') + 1
        self._file.truncate(whole)

    def __enter__(self) -> 'JsonLines':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record; from now on it survives the end of the process, but not a power cut."""
        line = json.dumps(_plain(record), allow_nan=False, ensure_ascii=False)
        self._file.write(f'{line}\n'.encode())
        self._file.flush()

    def close(self) -> None:
        """Close the file. May be called again."""
        self._file.close()


def read_json_lines(path: str | Path) -> list[dict[str, Any]]:
    """Return all records of a file, which may be absent, without a last line that has no end.

    Raises:
        RecordError: A line isn't a JSON object.
    """
    path = Path(path)
    if not path.exists():
        return []
    records = []
    lines = path.read_bytes().split(b'\n')[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line, object_hook=partial(Record.of, f'{path}, line {number}'))
        except (ValueError, RecursionError) as error:
            raise RecordError(f'{path}, line {number}: is not JSON: {error}') from error
        if not isinstance(record, dict):
            raise RecordError(f'{path}, line {number}: is not an object: {line[:80]!r}')
        records.append(record)
    return records


def _plain(value: Any) -> Any:
    """Return the value in JSON's own types; numpy's arrays and numbers have ``tolist``."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, 'tolist'):
        return _plain(value.tolist())
    return value
