# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights on the wire: what a version is, what it is cut into, why one is refused.

No ROS and no torch: bytes in, bytes out. ``outgoing`` says which tensors are sent
in which pieces, ``incoming`` keeps the pieces, ``tensor_reader`` reads tensors out of
them, ``tensors`` verifies these, ``accepted_learner`` says whose weights are taken.
"""

from dataclasses import dataclass
import hashlib

#: [byte] Largest piece: 20 MB are read 5 to 10 ms later in pieces of 0.5 MB, no sooner in 2 MB.
PIECE_BYTES = 1_000_000
#: [byte] Nothing larger is accepted, or allocated.
MAXIMUM_BYTES = 512_000_000
#: Characters of the texts in a manifest, each.
MAXIMUM_TEXT = 2_000_000


class WeightsRefused(ValueError):
    """Weights that must not be used; the message says why."""


class PiecesDoNotFit(WeightsRefused):
    """Pieces that came under the number of a version are not of it: it must be asked for again.

    They may be what another learner has sent, which was not admitted or is dead.
    """

    def __init__(self, manifest: 'Manifest', reason: str) -> None:
        super().__init__(reason)
        self.manifest = manifest


class TensorsMissing(WeightsRefused):
    """Tensors were left out as unchanged that aren't here: the whole set must be asked for."""


@dataclass(frozen=True)
class Manifest:
    """What a version of the weights is; see WeightsManifest.msg."""

    run_id: str
    version: int
    parent_version: int
    learner_step: int
    model_config: str
    schema_hash: str
    content_hash: str
    contract_hash: str
    total_size: int
    chunk_count: int
    learner_id: str = ''
    tensors: str = ''
    weights_hash: str = ''


@dataclass(frozen=True)
class Version:
    """A version ready to be sent: the manifest and the serialised content."""

    manifest: Manifest
    content: bytes


def content_hash(content: bytes | bytearray | memoryview) -> str:
    """Return the SHA-256 of serialised weights, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def cut(content: bytes) -> list[tuple[int, memoryview]]:
    """Cut serialised weights into (offset, piece) of at most ``PIECE_BYTES``, without a copy."""
    whole = memoryview(content)
    return [(offset, whole[offset:offset + PIECE_BYTES])
            for offset in range(0, len(whole), PIECE_BYTES)]


def piece_count(size: int) -> int:
    """Return the number of pieces that ``cut`` makes of ``size`` bytes."""
    return -(-size // PIECE_BYTES)
