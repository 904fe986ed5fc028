# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags that were imported by an earlier version, which made other values of the same recording.

An imported bag says in its metadata by which version of the import it was made. Whoever opens a
folder of demonstrations for a person asks once here, and shows the answer.
"""

from pathlib import Path
from typing import Any

from inril_ros.data.bags.metadata import read_metadata

#: What bags imported before a version have wrong, by version. A change of what an import makes of
#: a recording is added here as a sentence: to the newest version, or, after a release, to a new
#: one.
CHANGES: dict[int, tuple[str, ...]] = {
    2: ('Commands that could not be read, or named some of the joints only, were taken for the '
        'measured position, as if the arm had been told to stay where it was.',
        'Poses that were not set (a zero quaternion) were taken as they were.',
        'Of a trajectory of several points, the first was taken for its goal.',
        'Commands beyond the limits of the contract were reduced to them, also those in another '
        'unit.'),
}
#: The version of an import by this package. Bags without a version are of version 1.
IMPORT_VERSION = max(CHANGES)
_SHOWN = 3  # names


def imported_version(information: dict[str, Any]) -> int | None:
    """Return by which version of the import a bag was made; None if it wasn't imported.

    Args:
        information: The entries of the bag's metadata.
    """
    if not information.get('imported_from'):
        return None
    version = str(information.get('import_version', ''))
    return int(version) if version.isdigit() else 1


def outdated_imports(folder: Path) -> str:
    """Return which bags of a folder must be imported again, and why; empty if none."""
    outdated: dict[Path, int] = {}
    sources: dict[str, None] = {}
    for path in sorted(folder.glob('*/metadata.yaml')):
        information = _information(path)
        version = imported_version(information)
        if version is not None and version < IMPORT_VERSION:
            outdated[path.parent] = version
            sources[str(information['imported_from'])] = None
    if not outdated:
        return ''
    names = [path.name for path in outdated]
    listed = ', '.join(names[:_SHOWN]) + (', ...' if len(names) > _SHOWN else '')
    changes = [text for version, texts in CHANGES.items()
               if version > min(outdated.values()) for text in texts]
    return '\n'.join([
        f'{folder}: {len(names)} bags were imported by an earlier version ({listed}). Import '
        f'{", ".join(sources)} again, because in them:', *(f'  - {text}' for text in changes)])


def _information(path: Path) -> dict[str, Any]:
    """Return the entries of a bag's metadata; those of a damaged file are reported elsewhere."""
    try:
        if b'imported_from' not in path.read_bytes():
            return {}
        information = read_metadata(path).get('custom_data')
    except (OSError, ValueError):
        return {}
    return information if isinstance(information, dict) else {}
