# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""HDF5 files: numbers and texts are read from them and nothing else, so nothing is unpickled."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inril_ros.learning.datasets.checked import DatasetError, REMEDY

if TYPE_CHECKING:
    import h5py

_MOST_SHOWN = 20  # names in a message


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a file to read.

    Raises:
        DatasetError: It can't be opened or, while it is open, read; or h5py isn't installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise DatasetError(f"{path}: h5py is needed: pip install 'inril_ros[hdf5]', or h5py"
                           ) from error
    if not path.is_file():
        raise DatasetError(f'{path}: there is no such file')
    try:
        with h5py.File(path, 'r') as file:
            yield file
    except (OSError, RuntimeError) as error:  # what h5py raises for damaged and locked files
        raise DatasetError(f'{path}: {error}. If no other program writes it, it is no HDF5 file '
                           'or is damaged: get it again') from error


def group_in(parent: h5py.Group, name: str, where: str) -> h5py.Group:
    """Return a group.

    Raises:
        DatasetError: There is none of this name.
    """
    found = parent.get(name)
    if not isinstance(found, Mapping):
        raise DatasetError(f'{where}: has no group {name}; it has {contents(parent)}')
    return found


def numbers_in(parent: h5py.Group, name: str, where: str) -> np.ndarray:
    """Return the array of a name.

    Raises:
        DatasetError: There is none, or it holds objects, texts or anything else but numbers.
    """
    array = _array(parent, name, where)
    if array.dtype.kind not in 'biuf':
        raise DatasetError(f'{where}: {name} holds {array.dtype} and not numbers: nothing else is '
                           'read')
    return array


def flags_in(parent: h5py.Group, name: str, where: str) -> np.ndarray:
    """Return an array of yes and no, (N,), stored as booleans or numbers, (N,) or (N, 1).

    Raises:
        DatasetError: There is none, or it has other values than 0 and 1.
    """
    found = column(numbers_in(parent, name, where))
    if found.ndim != 1 or not ((found == 0) | (found == 1)).all():
        raise DatasetError(f'{where}: {name} must be a column of 0 and 1, and has the shape '
                           f'{found.shape} and the values {np.unique(found)[:5].tolist()}')
    return found.astype(np.bool_)


def actions_in(parent: h5py.Group, where: str) -> np.ndarray:
    """Return the array ``actions``.

    Raises:
        DatasetError: There is none, or it has whole numbers, as discrete actions are.
    """
    found = numbers_in(parent, 'actions', where)
    if found.dtype.kind != 'f':
        raise DatasetError(f'{where}: actions are {found.dtype}, as discrete actions are: only '
                           'continuous ones can be learned from')
    return found


def vectors_in(parent: h5py.Group, keys: Sequence[str], where: str) -> np.ndarray:
    """Return the vectors of several names beside each other, (N, O).

    Args:
        parent: The group; a name within a group in it has slashes.
        keys: Names of arrays (N,) or (N, n), in the order of the observation.
        where: File and episode.

    Raises:
        DatasetError: There are no keys, an array is missing or no row of vectors, or lengths
            differ.
    """
    if not keys:
        raise DatasetError(f'{where}: name the keys that make up an observation, in the order in '
                           f'which the policy sees them; there are {contents(parent)}')
    parts = [numbers_in(parent, key, where) for key in keys]
    for key, part in zip(keys, parts):
        if part.ndim not in (1, 2):
            raise DatasetError(f'{where}: {key} has the shape {part.shape}: vectors are read, and '
                               f'no images; there are {contents(parent)}')
    check_lengths({key: len(part) for key, part in zip(keys, parts)}, where)
    return np.concatenate([part if part.ndim == 2 else part[:, None] for part in parts], axis=1)


def texts_in(parent: h5py.Group, name: str, where: str) -> list[str]:
    """Return a list of texts.

    Raises:
        DatasetError: There is none, or it holds something else.
    """
    import h5py

    array = _array(parent, name, where)
    if array.ndim != 1 or h5py.check_string_dtype(parent[name].dtype) is None:
        raise DatasetError(f'{where}: {name} holds {array.dtype} of the shape {array.shape}, '
                           'and no list of names')
    return [text.decode('utf-8', 'replace') for text in array]


def check_lengths(lengths: Mapping[str, int], where: str) -> None:
    """Raise a DatasetError if lengths, by the names of their arrays, differ."""
    if len(set(lengths.values())) > 1:
        told = ', '.join(f'{name} {length}' for name, length in lengths.items())
        raise DatasetError(f'{where}: must have one length, and has {told}: {REMEDY}')


def column(array: np.ndarray) -> np.ndarray:
    """Return an array (N, 1) as (N,), and others as they are."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def contents(group: h5py.Group) -> str:
    """Return the names and shapes of the first arrays in a group, for a message."""
    found: list[str] = []

    def note(name: str, item: h5py.Group | h5py.Dataset) -> bool | None:
        if not isinstance(item, Mapping):
            found.append(f'{name} {item.shape}')
        return True if len(found) > _MOST_SHOWN else None  # True ends the visit

    group.visititems(note)
    if len(found) > _MOST_SHOWN:
        found[_MOST_SHOWN:] = ['more']
    return ', '.join(found) or 'nothing'


def _array(parent: h5py.Group, name: str, where: str) -> np.ndarray:
    """Return the content of a dataset with at least one axis."""
    import h5py

    found = parent.get(name)
    array = found[()] if isinstance(found, h5py.Dataset) else None
    if not isinstance(array, np.ndarray) or not array.ndim:
        raise DatasetError(f'{where}: has no array {name}; it has {contents(parent)}')
    return array
