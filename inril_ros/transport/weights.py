# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights on the wire: cut into pieces, put together again, verified before anyone sees them.

No ROS and no torch: bytes in, bytes out. What a version is stands in its manifest; the pieces may
come in any order, more than once, mixed with those of other versions.
"""

from dataclasses import dataclass
import hashlib

#: [byte] Largest piece. Python takes 4 ms for a message of this size and 120 ms for 100 MB.
CHUNK_BYTES = 1_000_000
#: [byte] Nothing larger is accepted, or allocated.
MAXIMUM_BYTES = 512_000_000
#: Versions of which pieces are kept at a time: the one that is wanted, and the newest.
_HELD_VERSIONS = 4


class WeightsRefused(ValueError):
    """Weights that must not be used; the message says why."""


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


def content_hash(content: bytes) -> str:
    """Return the SHA-256 of serialised weights, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def cut(content: bytes) -> list[tuple[int, bytes]]:
    """Cut serialised weights into (offset, piece) of at most ``CHUNK_BYTES``."""
    return [(offset, content[offset:offset + CHUNK_BYTES])
            for offset in range(0, len(content), CHUNK_BYTES)]


def chunk_count(size: int) -> int:
    """Return the number of pieces that ``cut`` makes of ``size`` bytes."""
    return -(-size // CHUNK_BYTES)


class Assembler:
    """Puts versions together on the acting side; one instance per run.

    Args:
        run_id: Only weights of this run are accepted; empty: of the run whose weights act first.
        contract_hash: Only weights made for this contract are accepted.
    """

    def __init__(self, run_id: str, contract_hash: str) -> None:
        self.run_id = run_id
        self._contract_hash = contract_hash
        self._manifest: Manifest | None = None
        self._pieces: dict[int, dict[int, tuple[int, bytes]]] = {}
        self.newest = 0

    def offer(self, manifest: Manifest) -> None:
        """Take a manifest.

        Raises:
            WeightsRefused: Of another run or contract, not newer than what is acting, too large.
        """
        if self.run_id and manifest.run_id != self.run_id:
            raise WeightsRefused(f'run {manifest.run_id} is not the run {self.run_id}')
        if manifest.contract_hash != self._contract_hash:
            raise WeightsRefused(
                f'made for contract {manifest.contract_hash[:12]}, '
                f'this is {self._contract_hash[:12]}')
        if manifest.version <= self.newest:
            raise WeightsRefused(f'version {manifest.version} is not newer than {self.newest}')
        if not 0 < manifest.total_size <= MAXIMUM_BYTES:
            raise WeightsRefused(f'{manifest.total_size} bytes, 1..{MAXIMUM_BYTES} are allowed')
        if manifest.chunk_count != chunk_count(manifest.total_size):
            raise WeightsRefused(f'{manifest.chunk_count} pieces for {manifest.total_size} bytes')
        if self._manifest is None or manifest.version > self._manifest.version:
            self._manifest = manifest
            self._pieces = {version: pieces for version, pieces in self._pieces.items()
                            if version >= manifest.version}

    def add(self, run_id: str, version: int, index: int, offset: int, data: bytes) -> None:
        """Take a piece; those of other runs and of versions that are over are ignored."""
        wanted, count = self.newest + 1, chunk_count(MAXIMUM_BYTES)
        if self._manifest is not None:
            wanted = self._manifest.version
            count = self._manifest.chunk_count if version == wanted else count
        if (self.run_id and run_id != self.run_id) or version < wanted:
            return
        if not 0 <= index < count or len(data) > CHUNK_BYTES:
            return
        self._pieces.setdefault(version, {})[index] = (offset, data)
        if len(self._pieces) > _HELD_VERSIONS:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Make room: many versions, real or invented, must not fill the memory."""
        wanted = self._manifest.version if self._manifest else None
        del self._pieces[min(version for version in self._pieces if version != wanted)]

    def take(self) -> tuple[Manifest, bytes] | None:
        """Return the newest complete and verified version, once; None if there is none yet.

        Raises:
            WeightsRefused: All pieces are there and they are not what the manifest says.
        """
        manifest = self._manifest
        if manifest is None:
            return None
        pieces = self._pieces.get(manifest.version, {})
        if len(pieces) < manifest.chunk_count:
            return None
        ordered = [pieces.get(index) for index in range(manifest.chunk_count)]
        if None in ordered:  # it has others, from before the manifest
            return None
        self._manifest = None
        self._pieces = {version: kept for version, kept in self._pieces.items()
                        if version > manifest.version}
        if any(offset != index * CHUNK_BYTES for index, (offset, _) in enumerate(ordered)):
            raise WeightsRefused('pieces have offsets that do not fit their indices')
        content = b''.join(data for _, data in ordered)
        if len(content) != manifest.total_size:
            raise WeightsRefused(f'{len(content)} bytes, the manifest says {manifest.total_size}')
        if content_hash(content) != manifest.content_hash:
            raise WeightsRefused('the content does not have the hash of the manifest')
        return manifest, content

    def applied(self, manifest: Manifest) -> None:
        """Note that a version is acting: only newer ones of the same run are accepted now."""
        self.run_id = manifest.run_id
        self.newest = manifest.version
        if self._manifest is not None and self._manifest.version <= self.newest:
            self._manifest = None
