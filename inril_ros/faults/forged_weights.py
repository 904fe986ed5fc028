# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Forged and damaged versions of weights, which must never act, made from good ones.

A forged version is whole and has correct hashes, unless the hash is what must give it away. Each
function is a ``Tamper`` for the relay.
"""

from collections.abc import Callable
from dataclasses import replace
import json

import numpy as np

from inril_ros.nodes.clients.weights_relay import Parcel, Tamper, whole
from inril_ros.transport.weights.manifest import content_hash, Version
from inril_ros.transport.weights.tensors import read_tensors
from inril_ros.transport.weights.version_numbers import LEAD

#: Added to the number of a forged version; the learner's own numbers never get so far.
FORGED = LEAD // 2


def flipped_byte(version: Version, before: Version | None) -> list[Parcel]:
    """Flip one bit of the last byte of the first piece."""
    content = bytearray(version.content)
    content[len(content) // (2 * version.manifest.chunk_count)] ^= 1
    damaged = replace(version, content=bytes(content))
    first, *rest = whole(version)
    return [Parcel(damaged, first.index, True), *rest]


def dropped_piece(version: Version, before: Version | None) -> list[Parcel]:
    """Lose the first piece."""
    return whole(version)[1:]


def reordered(version: Version, before: Version | None) -> list[Parcel]:
    """Send the manifest first, then the pieces from the last to the first."""
    return whole(version)[::-1]


def duplicated(version: Version, before: Version | None) -> list[Parcel]:
    """Send everything twice."""
    return [parcel for parcel in whole(version) for _ in range(2)]


def replayed(version: Version, before: Version | None) -> list[Parcel]:
    """Send the version before once more, after the newest one."""
    return [*whole(version), *whole(before or version)]


def not_a_number(version: Version, before: Version | None) -> list[Parcel]:
    """Send the version, then one that claims to be newer and has a NaN in its largest tensor."""
    tensors = read_tensors(version.content)
    largest = max((tensor for tensor in tensors.values() if tensor.wire == 'F32'),
                  key=lambda tensor: len(tensor.data))
    place = version.content.index(largest.data)
    content = bytearray(version.content)
    content[place:place + 4] = np.array([np.nan], '<f4').tobytes()
    return [*whole(version), *whole(_as_newer(version, bytes(content)), True)]


def other_architecture(version: Version, before: Version | None) -> list[Parcel]:
    """Send the version, then one that claims to be newer and to be of a narrower network."""
    config = json.loads(version.manifest.model_config)
    config['actor_width'] //= 2
    forged = _as_newer(version, version.content, model_config=json.dumps(config))
    return [*whole(version), *whole(forged, True)]


def older(version: Version, before: Version | None) -> list[Parcel]:
    """Send the version, then its content under the number of an older one."""
    number = max(1, version.manifest.version - 1)
    manifest = replace(version.manifest, version=number, parent_version=number - 1)
    return [*whole(version), *whole(Version(manifest.sealed(), version.content), True)]


def replayed_as_newer(version: Version, before: Version | None) -> list[Parcel]:
    """Send the version, then the same one under a higher number, with the hash that it had."""
    manifest = replace(version.manifest, version=version.manifest.version + FORGED)
    return [*whole(version), *whole(Version(manifest, version.content), True)]


def far_ahead(version: Version, before: Version | None) -> list[Parcel]:
    """Send the version, then the same one under the last number that there is."""
    manifest = replace(version.manifest, version=2 ** 64 - 1)
    return [*whole(version), *whole(Version(manifest.sealed(), version.content), True)]


def other_run(version: Version, before: Version | None) -> list[Parcel]:
    """Send the version, then one that claims to be newer and of another run."""
    forged = _as_newer(version, version.content, run_id='00000000-0000-4000-8000-000000000000')
    return [*whole(version), *whole(forged, True)]


def _as_newer(version: Version, content: bytes, **changes: str) -> Version:
    """Return content under a number that is newer than any, with matching hashes."""
    sent = read_tensors(content)
    rows = [[*row[:4], sent[row[0]].hash if row[5] else row[4], row[5]]
            for row in json.loads(version.manifest.tensors)]
    return Version(replace(
        version.manifest, version=version.manifest.version + FORGED,
        content_hash=content_hash(content), tensors=json.dumps(rows, separators=(',', ':')),
        **changes).sealed(), content)


#: By fault: the tampering, words of the refusal (empty: nothing is refused), and a description.
TAMPERS: dict[str, tuple[Callable[..., list[Parcel]] | Tamper, str, str]] = {
    'weights_flipped_byte': (flipped_byte, 'not have the hash', 'one bit of a version is flipped'),
    'weights_dropped_piece': (dropped_piece, '', 'a piece of a version is lost'),
    'weights_reordered': (reordered, '', 'manifest first, then the pieces backwards'),
    'weights_duplicated': (duplicated, '', 'each piece and the manifest come twice'),
    'weights_replayed': (replayed, 'not newer', 'an older version comes once more'),
    'weights_nan': (not_a_number, 'not finite', 'a newer version with a NaN in it'),
    'weights_other_architecture': (other_architecture, 'do not fit',
                                   'a newer version of another network'),
    'weights_older': (older, 'not newer', 'good weights under the number of an older version'),
    'weights_replayed_as_newer': (replayed_as_newer, 'not have its own hash',
                                  'good weights under a higher number'),
    'weights_far_ahead': (far_ahead, 'too far ahead', 'good weights under the last number'),
    'weights_other_run': (other_run, 'is not the run', 'a newer version of another run'),
}
