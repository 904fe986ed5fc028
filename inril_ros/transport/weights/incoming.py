# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Collects the pieces of incoming versions, in whatever order and however often they arrive.

Adding a piece copies no byte, so the thread that infers can do it. The slow work (hashes, tensors,
the network) is done in another thread with the result of ``pop_complete``. Missing pieces are
listed, so that they can be requested again.
"""

from dataclasses import dataclass
from itertools import count, takewhile

from inril_ros.transport.weights import manifest as weights
from inril_ros.transport.weights.manifest import (
    content_hash,
    Manifest,
    piece_count,
    PiecesDoNotFit,
    PiecesMissing,
    WeightsRefused,
)
from inril_ros.transport.weights.version_numbers import check_version

#: [byte] Most bytes of pieces kept before their manifest comes; others are requested again.
EARLY_BYTES = 256_000_000
#: Most versions of which such pieces are kept.
EARLY_VERSIONS = 4
#: Requests for missing pieces without any of them arriving.
MOST_REQUESTS = 10


@dataclass(frozen=True)
class ReceivedVersion:
    """A version whose pieces have all arrived; nothing is verified yet."""

    manifest: Manifest
    pieces: tuple[bytes | memoryview, ...]

    def check_hash(self) -> None:
        """Verify the hash of the whole content, unless only its tensors have hashes.

        Raises:
            WeightsRefused: The hash is wrong, or the manifest has none at all.
        """
        manifest = self.manifest
        if (manifest.content_hash or not manifest.tensors) \
                and content_hash(b''.join(self.pieces)) != manifest.content_hash:
            raise WeightsRefused('the content does not have the hash of the manifest')


class IncomingVersions:
    """The versions that are arriving at the acting side. The caller provides the time [s].

    Args:
        run_id: Run whose weights are accepted; empty: the run whose weights act first.
        contract_hash: Contract for which weights must be made.
        patience: [s] Time without a new piece after which missing ones are requested.
    """

    def __init__(self, run_id: str, contract_hash: str, patience: float = 2.0) -> None:
        self.run_id = run_id
        self.newest = 0
        self._acting = run_id, 0  # run and number of the version that acts
        self._contract_hash = contract_hash
        self._patience = patience
        self._wanted: Manifest | None = None
        self._pieces: dict[int, bytes | memoryview] = {}  # of the wanted version, by index
        self._missing: set[int] = set()
        # By run and version, and by index.
        self._early: dict[tuple[str, int], dict[int, bytes | memoryview]] = {}
        self._arrived_at = 0.0
        self._requests = 0

    def offer(self, manifest: Manifest, now: float = 0.0) -> None:
        """Add a manifest; of two versions the newer one is wanted.

        Raises:
            WeightsRefused: The version is of another run or contract, not newer than the acting
                one, or too large.
            PiecesDoNotFit: Pieces that came before it have other sizes; they are dropped.
        """
        self._check(manifest)
        if self._wanted is not None and manifest.version < self._wanted.version:
            return
        if manifest == self._wanted:  # sent again, and so are its pieces
            return
        self._wanted = manifest
        self._pieces = {}
        self._missing = set(range(manifest.chunk_count))
        self._arrived_at, self._requests = now, 0
        early = self._early.pop((manifest.run_id, manifest.version), {})
        self._early = {(run, version): pieces for (run, version), pieces in self._early.items()
                       if run == manifest.run_id and version > manifest.version}
        for index, data in early.items():
            self._place(index, data)

    def _check(self, manifest: Manifest) -> None:
        if self.run_id and manifest.run_id != self.run_id:
            raise WeightsRefused(f'run {manifest.run_id} is not the run {self.run_id}')
        self.check_form(manifest)
        if manifest.version <= self.newest:
            raise WeightsRefused(f'version {manifest.version} is not newer than {self.newest}')
        check_version(manifest.version, self.newest)

    def check_form(self, manifest: Manifest) -> None:
        """Check what is wrong in a manifest whatever its run and its number.

        Raises:
            WeightsRefused: It is of another contract or too large.
        """
        if manifest.contract_hash != self._contract_hash:
            raise WeightsRefused(
                f'made for contract {manifest.contract_hash[:12]}, '
                f'this is {self._contract_hash[:12]}')
        if not 0 < manifest.total_size <= weights.MAXIMUM_BYTES:
            raise WeightsRefused(
                f'{manifest.total_size} bytes, 1..{weights.MAXIMUM_BYTES} are allowed')
        if manifest.chunk_count != piece_count(manifest.total_size):
            raise WeightsRefused(f'{manifest.chunk_count} pieces for {manifest.total_size} bytes')
        if max(len(manifest.model_config), len(manifest.tensors)) > weights.MAXIMUM_TEXT:
            raise WeightsRefused(f'texts of more than {weights.MAXIMUM_TEXT} characters')

    def add(self, run_id: str, version: int, index: int, offset: int, data: bytes | memoryview,
            now: float = 0.0) -> None:
        """Add a piece; pieces of other runs and of older versions are ignored.

        A piece that can't belong to any version is ignored too: if it was damaged on its way, it
        is missing and will be requested. The data isn't copied and must not be changed afterwards.

        Raises:
            PiecesDoNotFit: Its size isn't the one that the manifest implies; all are dropped.
            WeightsRefused: Its version is too far ahead.
        """
        if (self.run_id and run_id != self.run_id) or version <= self.newest:
            return
        if self._wanted is not None and run_id != self._wanted.run_id:
            return
        if not 0 <= index < piece_count(weights.MAXIMUM_BYTES) \
                or offset != index * weights.PIECE_BYTES or len(data) > weights.PIECE_BYTES:
            return
        check_version(version, self.newest)
        if self._wanted is None or version > self._wanted.version:
            self._keep_early(run_id, version, index, data)
        elif version == self._wanted.version and self._place(index, data):
            self._arrived_at, self._requests = now, 0

    def _place(self, index: int, data: bytes | memoryview) -> bool:
        """Add a piece of the wanted version; return whether it was missing."""
        if index not in self._missing:
            return False
        size = min(weights.PIECE_BYTES,
                   self._wanted.total_size - index * weights.PIECE_BYTES)
        if len(data) != size:
            wanted = self._wanted
            self._forget()
            raise PiecesDoNotFit(
                wanted, f'piece {index} has {len(data)} bytes, the manifest says {size}')
        self._pieces[index] = data
        self._missing.discard(index)
        return True

    def _keep_early(
        self, run_id: str, version: int, index: int, data: bytes | memoryview,
    ) -> None:
        """Keep a piece whose manifest hasn't come, within the limits of memory."""
        pieces = self._early.pop((run_id, version), {})
        pieces.setdefault(index, data)
        self._early[run_id, version] = pieces  # the last one: it is the one that grows
        # Not the lowest number: invented ones would stay for ever, and no others beside them.
        while len(self._early) > EARLY_VERSIONS or self._early_bytes() > EARLY_BYTES:
            del self._early[next(iter(self._early))]

    def _early_bytes(self) -> int:
        return sum(len(data) for pieces in self._early.values() for data in pieces.values())

    def pop_complete(self) -> ReceivedVersion | None:
        """Return the wanted version when all its pieces are here, once; None otherwise."""
        if self._wanted is None or self._missing:
            return None
        received = ReceivedVersion(self._wanted, tuple(
            self._pieces[index] for index in range(self._wanted.chunk_count)))
        self._forget()
        return received

    def first_pieces(self) -> tuple[bytes | memoryview, ...]:
        """Return the pieces of the newest version up to the first missing one.

        Its manifest may not be here or be refused: nothing vouches for them.
        """
        pieces = self._pieces
        newest = max(self._early, key=lambda early: early[1], default=None)
        if newest is not None and (self._wanted is None or newest[1] > self._wanted.version):
            pieces = self._early[newest]
        return tuple(map(pieces.__getitem__, takewhile(pieces.__contains__, count())))

    def to_request(self, now: float) -> tuple[Manifest, list[int]] | None:
        """Return the wanted version and its pieces to request; None if there are none.

        Raises:
            PiecesMissing: They were requested often enough.
        """
        if self._wanted is None or not self._missing or now - self._arrived_at < self._patience:
            return None
        wanted, missing = self._wanted, sorted(self._missing)
        if self._requests == MOST_REQUESTS:
            self._forget()
            raise PiecesMissing(wanted, f'{len(missing)} pieces did not come though they were '
                                        f'requested {MOST_REQUESTS} times')
        self._arrived_at = now
        self._requests += 1
        return wanted, missing

    def note_acting(self, manifest: Manifest) -> None:
        """Note that a version acts: only newer ones of the same run are accepted now.

        Another run that is being followed by then goes on; see ``follow``.
        """
        self._acting = manifest.run_id, manifest.version
        if self.run_id not in ('', manifest.run_id):
            return
        self.run_id, self.newest = self._acting
        if self._wanted is not None and self._wanted.version <= self.newest:
            self._forget()

    def follow(self, run_id: str) -> None:
        """Collect the versions of another run (empty: any), which are numbered separately."""
        self.run_id = run_id
        self.newest = self._acting[1] if run_id == self._acting[0] else 0
        self._forget()
        self._early = {(run, version): pieces for (run, version), pieces in self._early.items()
                       if run_id in ('', run)}

    def _forget(self) -> None:
        self._wanted = None
        self._pieces = {}
        self._missing = set()
