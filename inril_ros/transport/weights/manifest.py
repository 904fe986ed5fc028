# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a version of the weights is, the pieces that it is cut into, and why one is refused.

No ROS and no torch: bytes in, bytes out.
"""

from dataclasses import asdict, dataclass, replace
import hashlib
import json

#: [byte] Largest piece. Reading 20 MB takes 5 to 10 ms more in pieces of 0.5 MB, no less in 2 MB.
PIECE_BYTES = 1_000_000
#: [byte] Larger versions are neither accepted nor allocated.
MAXIMUM_BYTES = 512_000_000
#: Characters of each text in a manifest.
MAXIMUM_TEXT = 2_000_000


class WeightsRefused(ValueError):
    """Weights that must not be used; the message says why."""


class VersionRefused(WeightsRefused):
    """A version that was being collected must not be used.

    Attributes:
        manifest: Its manifest.
    """

    def __init__(self, manifest: 'Manifest', reason: str) -> None:
        super().__init__(reason)
        self.manifest = manifest


class PiecesDoNotFit(VersionRefused):
    """Pieces came that are not of the version whose number they bear: request it again.

    Another learner may have sent them, which was not accepted or is dead.
    """


class PiecesMissing(VersionRefused):
    """Pieces did not come though they were requested often enough."""


class TensorsMissing(WeightsRefused):
    """Tensors that were left out as unchanged are not here: request the whole set."""


@dataclass(frozen=True)
class Manifest:
    """The description of a version; see WeightsManifest.msg.

    ``weights_hash`` covers all other fields: the rows of the tensors, and also whose weights they
    are and under which number. Without that a good version could be sent again as another one.
    """

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

    def sealed(self) -> 'Manifest':
        """Return the same manifest with its hash."""
        return replace(self, weights_hash=self._hash())

    def check_hash(self) -> None:
        """Verify the hash.

        Raises:
            WeightsRefused: It isn't that of the other fields.
        """
        if self.weights_hash != self._hash():
            raise WeightsRefused('the manifest does not have its own hash: a field was changed')

    def _hash(self) -> str:
        fields = {**asdict(self), 'weights_hash': ''}
        return hashlib.sha256(
            json.dumps(fields, sort_keys=True, separators=(',', ':')).encode()).hexdigest()


@dataclass(frozen=True)
class Version:
    """A whole version: the manifest and the serialised content."""

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
