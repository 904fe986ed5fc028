# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A relay between learner and policy that passes weights on, or damages them on request.

The policy's topics are remapped to the relay's. The relay records which versions it passed on
whole and unaltered, so that a test can detect a network that acts although it wasn't.
"""

from collections.abc import Callable
from dataclasses import dataclass
import threading

from rclpy.node import Node

from inril_ros.msg import PolicyWeights, WeightsManifest
from inril_ros.nodes.base import qos
from inril_ros.transport.weights.manifest import cut, Manifest, Version

PIECES, MANIFEST = 'relayed/pieces', 'relayed/manifest'
#: Remappings of a policy behind the relay.
REMAPPINGS = {'weights/pieces': PIECES, 'weights/manifest': MANIFEST}
_FIELDS = tuple(Manifest.__dataclass_fields__)


@dataclass(frozen=True)
class Parcel:
    """One message to the policy.

    Attributes:
        version: Its version.
        index: Index of the piece; None: the manifest.
        altered: Whether it differs from what the learner sent.
    """

    version: Version
    index: int | None
    altered: bool = False


#: From a version and the one before it (None: none), makes the messages to the policy.
Tamper = Callable[[Version, Version | None], list[Parcel]]


class WeightsRelay:
    """The relay, in the process and thread of a node that spins.

    Attributes:
        sound: Versions that were passed on whole and unaltered.
        done: Number of versions that were tampered with.
        withheld: Whether all messages are withheld.
    """

    def __init__(self, node: Node) -> None:
        self.sound: set[int] = set()
        self.done = 0
        self.withheld = False
        self._lock = threading.Lock()
        self._tamper: Tamper | None = None
        self._pieces: dict[int, dict[int, bytes]] = {}
        self._passed: dict[int, set[int]] = {}
        self._counts: dict[int, int] = {}
        self._last: Version | None = None
        self._to_pieces = node.create_publisher(PolicyWeights, PIECES, qos.WEIGHTS)
        self._to_manifest = node.create_publisher(WeightsManifest, MANIFEST, qos.MANIFEST)
        node.create_subscription(PolicyWeights, 'weights/pieces', self._on_piece, qos.WEIGHTS)
        node.create_subscription(WeightsManifest, 'weights/manifest', self._on_manifest,
                                 qos.MANIFEST)

    def arm(self, tamper: Tamper) -> None:
        """Tamper with the next version, once."""
        with self._lock:
            self._tamper = tamper

    def release(self) -> None:
        """Pass messages on again; the last withheld version is passed on now."""
        with self._lock:
            self.withheld = False
            if self._last is not None:
                self._send(whole(self._last))

    def _on_piece(self, message: PolicyWeights) -> None:
        with self._lock:
            version = message.version
            pieces = self._pieces.setdefault(version, {})
            again = message.chunk_index in pieces
            pieces[message.chunk_index] = bytes(message.data)
            for old in sorted(self._pieces)[:-4]:
                del self._pieces[old]
            if self.withheld or (self._tamper is not None and not again):
                return  # all pieces are sent with the manifest
            self._to_pieces.publish(message)
            self._note(version, message.chunk_index)

    def _on_manifest(self, message: WeightsManifest) -> None:
        with self._lock:
            manifest = Manifest(**{name: getattr(message, name) for name in _FIELDS})
            pieces = self._pieces.get(message.version, {})
            whole = len(pieces) == message.chunk_count
            version = Version(manifest, b''.join(pieces[index] for index in sorted(pieces)))
            before, self._last = self._last, version if whole else self._last
            if self.withheld:
                return
            tamper = self._tamper
            if tamper is None or not whole:
                self._counts[message.version] = message.chunk_count
                self._to_manifest.publish(message)
                self._note(message.version, None)
                return
            self._tamper = None
            self._send(tamper(version, before))
            self.done += 1

    def _send(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            manifest, content = parcel.version.manifest, parcel.version.content
            if parcel.index is None:
                message = WeightsManifest(format='safetensors', **vars(manifest))
                self._counts.setdefault(manifest.version, manifest.chunk_count)
                self._to_manifest.publish(message)
            else:
                pieces = cut(content)
                offset, data = pieces[parcel.index]
                message = PolicyWeights(
                    run_id=manifest.run_id, version=manifest.version, offset=offset,
                    chunk_index=parcel.index, chunk_count=len(pieces))
                message.data.frombytes(data)
                self._to_pieces.publish(message)
            if not parcel.altered:
                self._note(manifest.version, parcel.index)

    def _note(self, version: int, index: int | None) -> None:
        """Record a message that was passed on unaltered; -1 stands for the manifest."""
        passed = self._passed.setdefault(version, set())
        passed.add(-1 if index is None else index)
        if -1 in passed and len(passed) == self._counts.get(version, -2) + 1:
            self.sound.add(version)


def whole(version: Version, altered: bool = False) -> list[Parcel]:
    """Return all pieces of a version, then its manifest."""
    return [*(Parcel(version, index, altered) for index in range(version.manifest.chunk_count)),
            Parcel(version, None, altered)]
