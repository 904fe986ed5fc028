# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The acting side's end of the weights: pieces in, a loaded standby out, or a reason for refusal.

What comes in a callback is only noted. Hashes, tensors and the network are the business
of one thread beside the one that infers; what it has made is picked up between two inferences.
"""

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
import time
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from inril_ros.msg import LearnerStatus, PolicyWeights, WeightsManifest, WeightsRequest
from inril_ros.nodes.base import qos
from inril_ros.nodes.weights.piece_message import NotAPiece, read_piece
from inril_ros.transport.weights.accepted_learner import AcceptedLearner
from inril_ros.transport.weights.incoming import IncomingVersions, ReceivedVersion
from inril_ros.transport.weights.manifest import (
    Manifest,
    PiecesDoNotFit,
    TensorsMissing,
    WeightsRefused,
)
from inril_ros.transport.weights.tensor_reader import TensorReader
from inril_ros.transport.weights.tensors import complete, complete_set, expanded, WireTensor

Load = Callable[[Manifest, dict[str, WireTensor]], Any]

_FIELDS = tuple(Manifest.__dataclass_fields__)
_TIMED = 64  # versions of which it is remembered when they began to come


@dataclass(frozen=True)
class Loaded:
    """A version that was verified, loaded and tried.

    Attributes:
        manifest: What it is.
        product: What ``load`` made of it.
        tensors: What it was made of.
        receive_seconds: [s] From the first piece to the last, or to the manifest.
        verify_seconds: [s] From the last piece until it stood by.
    """

    manifest: Manifest
    product: Any
    tensors: dict[str, WireTensor]
    receive_seconds: float
    verify_seconds: float


class WeightsReceiver:
    """Subscriptions, assembly and the loading thread.

    Args:
        node: The node that they belong to.
        run_id: Only weights of this run are taken; empty: of the first run that comes.
        contract_hash: Only weights for this contract are taken.
        load: Makes something of a manifest and all its tensors by name, or raises; it runs in a
            thread. It may keep their bytes, which must stay as they are.
        refused: Is told why weights were refused.
        heard: Is told what the learner says about itself.
        stands_by: Is called when there may be something to ``take``, from the node's executor:
            between two of its callbacks.
    """

    def __init__(
        self, node: Node, run_id: str, contract_hash: str, load: Load,
        refused: Callable[[str], None], heard: Callable[[LearnerStatus], None],
        stands_by: Callable[[], None],
    ) -> None:
        self._node = node
        self._load = load
        self._refused = refused
        self._heard = heard
        self._ready = node.create_guard_condition(stands_by)
        self._incoming = IncomingVersions(run_id, contract_hash)
        self._accepted = AcceptedLearner(run_id)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='weights')
        self._reader = TensorReader()  # the thread's
        self._reading: Future[None] | None = None
        self._loading: tuple[Manifest, Future[Loaded]] | None = None
        self._begun: dict[int, float] = {}  # by version, when its first piece came
        self._asked_again = (-1, '')
        #: Newest version that was refused for good: it came again, and was no better.
        self.refused_version = 0
        self._tensors: dict[int, dict[str, WireTensor]] = {}  # of versions that are kept
        self._requests = node.create_publisher(WeightsRequest, 'weights/request', qos.EVENT)
        node.create_subscription(WeightsManifest, 'weights/manifest', self._offer, qos.MANIFEST)
        node.create_subscription(
            PolicyWeights, 'weights/pieces', self._piece, qos.WEIGHTS, raw=True)
        node.create_subscription(LearnerStatus, 'learner/status', self._learner, qos.STATE)
        node.create_timer(
            0.25, self._check_progress, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def pop_loaded(self) -> Loaded | None:
        """Return a version that stands by, once; None if none does."""
        if self._loading is None or not self._loading[1].done():
            return None
        (manifest, future), self._loading = self._loading, None
        try:
            return future.result()
        except Exception as error:  # whatever is wrong with them, the robot goes on without them
            self._ask_after(manifest, error)
            self._refused(f'version {manifest.version}: {error}')
        self._load_next()
        return None

    def note_acting(self, loaded: Loaded, kept: Collection[int]) -> None:
        """Note that a version acts; its tensors, and those of the kept ones, needn't come again.

        Args:
            loaded: What ``take`` gave.
            kept: Numbers of the versions that may act again.
        """
        self._tensors[loaded.manifest.version] = loaded.tensors
        self._tensors = {version: tensors for version, tensors in self._tensors.items()
                         if version in kept}
        self._incoming.note_acting(loaded.manifest)
        self._load_next()

    def hand_over(self) -> None:
        """Take the next learner that comes, of whatever run."""
        self._accepted.hand_over()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    # What comes in.

    def _offer(self, message: WeightsManifest) -> None:
        manifest = Manifest(**{name: getattr(message, name) for name in _FIELDS})
        try:
            if self._accepted.admit(manifest, time.monotonic()):
                self._want(manifest)
        except WeightsRefused as error:
            self._refuse(manifest.version, error)

    def _want(self, manifest: Manifest) -> None:
        if self._accepted.run_id != self._incoming.run_id and self._incoming.run_id:
            self._incoming.follow(manifest.run_id)  # an operator has handed over
            self._tensors.clear()
            self.refused_version = 0
        now = time.monotonic()
        self._begun = {version: began for version, began in self._begun.items()
                       if version >= manifest.version}
        self._begun.setdefault(manifest.version, now)
        self._incoming.offer(manifest, now)
        self._load_next()

    def _piece(self, raw: bytes) -> None:
        now = time.monotonic()
        try:
            piece = read_piece(raw)
        except NotAPiece as error:  # it is missing then, and asked for
            self._node.get_logger().warning(str(error), throttle_duration_sec=10.0)
            return
        if len(self._begun) < _TIMED:
            self._begun.setdefault(piece.version, now)
        try:
            self._incoming.add(
                piece.run_id, piece.version, piece.index, piece.offset, piece.data, now)
        except WeightsRefused as error:
            self._refuse(piece.version, error)
        self._load_next()
        self._read_ahead()

    def _learner(self, message: LearnerStatus) -> None:
        reason = self._accepted.note_activity(
            message.run_id, message.learner_id, time.monotonic())
        if reason:
            self._refused(reason)
        if message.learner_id == self._accepted.learner_id or not self._accepted.learner_id:
            self._heard(message)

    def _check_progress(self) -> None:
        """Ask for what does not come; take a learner that has waited for a dead one."""
        now = time.monotonic()
        try:
            waited = self._accepted.waiting(now)
            if waited is not None:
                self._want(waited)
            lacking = self._incoming.lacking(now)
        except PiecesDoNotFit as error:
            self._refuse(error.manifest.version, error)
            return
        except WeightsRefused as error:
            self._refused(str(error))
            return
        if lacking is not None:
            manifest, indices = lacking
            self._ask(manifest, indices=indices)

    # What is done with it.

    def _load_next(self) -> None:
        """Begin to load a version that is whole, if none is being loaded."""
        if self._loading is not None:
            return
        whole = self._incoming.pop_complete()
        if whole is not None:
            held = {tensor.hash: tensor for tensors in self._tensors.values()
                    for tensor in tensors.values()}
            now = time.monotonic()
            received = now - self._begun.get(whole.manifest.version, now)
            future = self._thread.submit(self._make, whole, held, received)
            self._loading = whole.manifest, future
            future.add_done_callback(lambda _: self._ready.trigger())

    def _read_ahead(self) -> None:
        """Have the thread read what has come of a version that isn't whole."""
        if self._reading is None or self._reading.done():
            pieces = self._incoming.in_order()
            if pieces:
                # What is wrong with them is told of when the version is whole, and its manifest
                # is here; it is read anew then.
                self._reading = self._thread.submit(self._reader.read, pieces)

    def _make(
        self, whole: ReceivedVersion, held: dict[str, WireTensor], received: float,
    ) -> Loaded:
        began = time.monotonic()
        if whole.has_hash:
            tensors = complete(whole.manifest, whole.verified(), held)
        else:
            tensors = complete_set(whole.manifest, self._reader.finish(whole.pieces), held)
        product = self._load(whole.manifest, expanded(tensors))
        return Loaded(whole.manifest, product, tensors, received, time.monotonic() - began)

    def _refuse(self, version: int, error: WeightsRefused) -> None:
        if isinstance(error, PiecesDoNotFit):
            self._ask_after(error.manifest, error)
        self._refused(f'version {version}: {error}')

    def _ask_after(self, manifest: Manifest, error: Exception) -> None:
        """Ask once for a version that was damaged, or for what was left out and isn't here."""
        if isinstance(error, TensorsMissing):
            self._ask(manifest, complete=True)
        elif isinstance(error, WeightsRefused) and self._asked_again != (
                manifest.version, _content_of(manifest)):
            self._asked_again = manifest.version, _content_of(manifest)
            self._ask(manifest)
        else:
            self.refused_version = max(self.refused_version, manifest.version)

    def _ask(self, manifest: Manifest, indices: 'list[int] | None' = None,
             complete: bool = False) -> None:
        message = WeightsRequest(
            run_id=manifest.run_id, version=manifest.version, chunk_indices=indices or [],
            complete=complete)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._requests.publish(message)


def _content_of(manifest: Manifest) -> str:
    """Return what tells one content of a version from another."""
    return manifest.content_hash + manifest.weights_hash
