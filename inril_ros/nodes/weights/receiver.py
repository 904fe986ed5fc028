# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The policy's end of the weights: pieces in; out a loaded standby, or a reason for refusal.

Callbacks only store what comes. One thread beside the one that infers verifies hashes and builds
the network; its result is picked up between two inferences.
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
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.nodes.weights.piece_message import read_piece
from inril_ros.transport.weights.accepted_learner import AcceptedLearner
from inril_ros.transport.weights.incoming import IncomingVersions, ReceivedVersion
from inril_ros.transport.weights.manifest import (
    Manifest,
    PiecesDoNotFit,
    PiecesMissing,
    TensorsMissing,
    VersionRefused,
    WeightsRefused,
)
from inril_ros.transport.weights.tensor_reader import TensorReader
from inril_ros.transport.weights.tensors import complete, expanded, WireTensor
from inril_ros.transport.weights.version_numbers import check_version

Load = Callable[[Manifest, dict[str, WireTensor]], Any]

_FIELDS = tuple(Manifest.__dataclass_fields__)
_TIMED = 64  # most versions whose first arrival is remembered


@dataclass(frozen=True)
class Loaded:
    """A version that was verified, loaded and tried.

    Attributes:
        manifest: The version's manifest.
        product: The result of ``load``.
        tensors: Its tensors by name.
        receive_seconds: [s] From the first piece to the last, or to the manifest.
        verify_seconds: [s] From the last piece until the product was ready.
    """

    manifest: Manifest
    product: Any
    tensors: dict[str, WireTensor]
    receive_seconds: float
    verify_seconds: float


class WeightsReceiver:
    """Subscriptions to the weights, and the thread that loads them.

    Args:
        run_id: Run whose weights are accepted; empty: the first run with a valid version.
        contract_hash: Contract for which weights must be made.
        load: Makes the product of a manifest and all tensors by name, or raises; runs in a thread.
            It may keep the tensors' bytes, but must not change them.
        on_refused: Called with the reason when weights are refused.
        on_learner_status: Called with each status of the accepted learner.
        on_standby: Called by the node's executor, between two of its callbacks, when
            ``pop_loaded`` may have a result.
    """

    def __init__(
        self, node: Node, run_id: str, contract_hash: str, load: Load,
        on_refused: Callable[[str], None], on_learner_status: Callable[[LearnerStatus], None],
        on_standby: Callable[[], None],
    ) -> None:
        self._node = node
        self._load = load
        self._on_refused = on_refused
        self._on_learner_status = on_learner_status
        self._on_standby = on_standby
        self._incoming = IncomingVersions(run_id, contract_hash)
        self._accepted = AcceptedLearner(run_id)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='weights')
        self._reader = TensorReader()  # used in the thread only
        self._reading: Future[None] | None = None
        self._loading: tuple[Manifest, Future[Loaded]] | None = None
        self._acting_run = run_id
        self._begun: dict[int, float] = {}  # time of the first piece, by version
        self._requested_again = (-1, '')
        #: Version that was refused for good last, after it was sent a second time.
        self.refused_version = 0
        self._tensors: dict[int, dict[str, WireTensor]] = {}  # of the kept versions
        self._requests = node.create_publisher(WeightsRequest, 'weights/request', qos.EVENT)
        node.create_subscription(
            WeightsManifest, 'weights/manifest', self._on_manifest, qos.MANIFEST)
        node.create_subscription(
            PolicyWeights, 'weights/pieces', self._on_piece, qos.WEIGHTS, raw=True)
        node.create_subscription(LearnerStatus, 'learner/status', self._on_status, qos.STATE)
        node.create_timer(0.25, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def pop_loaded(self) -> Loaded | None:
        """Return a loaded version, once; None if there is none."""
        if self._loading is None or not self._loading[1].done():
            return None
        (manifest, future), self._loading = self._loading, None
        try:
            loaded = future.result()
            if manifest.run_id in (self._accepted.run_id, self._accepted.collected_run):
                return loaded
            self._on_refused(f'version {manifest.version}: its learner fell silent meanwhile, and '
                             'another one is tried')
        except Exception as error:  # the robot goes on without weights, whatever is wrong in them
            self._request_after(manifest, error)
            self._give_up(manifest)
            self._on_refused(f'version {manifest.version}: {error}')
        self._load_next()
        return None

    def note_acting(self, loaded: Loaded, kept: Collection[int]) -> None:
        """Note that a version acts; its tensors and the kept versions' needn't be sent again.

        Args:
            loaded: The result of ``pop_loaded``.
            kept: Numbers of the versions that may act again.
        """
        manifest = loaded.manifest
        if manifest.run_id != self._acting_run:  # the first run, or an operator has handed over
            self._acting_run = manifest.run_id
            self._tensors.clear()
            self.refused_version = 0
        refusal = self._accepted.follow(manifest, time.monotonic())
        if refusal:
            self._on_refused(refusal)
        self._tensors[manifest.version] = loaded.tensors
        self._tensors = {version: tensors for version, tensors in self._tensors.items()
                         if version in kept}
        self._incoming.note_acting(manifest)
        self._load_next()

    def hand_over(self) -> None:
        """Accept the next learner with a valid version, of whatever run."""
        self._accepted.hand_over()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    # Messages.

    def _on_manifest(self, message: WeightsManifest) -> None:
        manifest = Manifest(**{name: getattr(message, name) for name in _FIELDS})
        try:
            manifest.check_hash()
            self._incoming.check_form(manifest)
            if self._accepted.admit(manifest, time.monotonic()):
                self._offer(manifest)
        except WeightsRefused as error:
            self._refuse(manifest.version, error, manifest)

    def _offer(self, manifest: Manifest) -> None:
        if self._accepted.collected_run != self._incoming.run_id:
            self._incoming.follow(manifest.run_id)
        now = time.monotonic()
        self._begun = {version: began for version, began in self._begun.items()
                       if version >= manifest.version}
        self._begun.setdefault(manifest.version, now)
        self._incoming.offer(manifest, now)
        self._load_next()

    def _on_piece(self, raw: bytes) -> None:
        now = time.monotonic()
        piece = read_piece(raw)  # one that is refused counts as missing and will be requested
        try:
            self._incoming.add(
                piece.run_id, piece.version, piece.index, piece.offset, piece.data, now)
        except WeightsRefused as error:
            self._refuse(piece.version, error)
            return
        self._begun.setdefault(piece.version, now)
        while len(self._begun) > _TIMED:
            del self._begun[next(iter(self._begun))]
        self._load_next()
        self._read_ahead()

    def _on_status(self, message: LearnerStatus) -> None:
        reason = self._accepted.note_activity(
            message.run_id, message.learner_id, time.monotonic())
        if reason:
            self._on_refused(reason)
        accepted = self._accepted
        if message.run_id == accepted.run_id != '' \
                and accepted.learner_id in ('', message.learner_id):
            try:
                check_version(message.weights_version, self._incoming.newest)
            except WeightsRefused as error:
                raise MessageRefused(str(error)) from error
            self._on_learner_status(message)

    def _check(self) -> None:
        """Accept a learner that has waited for a dead one; request missing pieces."""
        now = time.monotonic()
        waited = self._accepted.pop_waiting(now)
        if waited is not None:
            try:
                self._offer(waited)
            except WeightsRefused as error:
                self._refuse(waited.version, error, waited)
        try:
            missing = self._incoming.to_request(now)
        except PiecesMissing as error:
            self._refuse(error.manifest.version, error)
            return
        if missing is not None:
            manifest, indices = missing
            self._request(manifest, indices=indices)

    # Loading.

    def _load_next(self) -> None:
        """Begin to load a complete version, if none is being loaded."""
        if self._loading is not None:
            return
        received = self._incoming.pop_complete()
        if received is not None:
            held = {tensor.hash: tensor for tensors in self._tensors.values()
                    for tensor in tensors.values()}
            now = time.monotonic()
            seconds = now - self._begun.get(received.manifest.version, now)
            future = self._thread.submit(self._make, received, held, seconds)
            self._loading = received.manifest, future
            future.add_done_callback(lambda _: self._call_on_standby())

    def _call_on_standby(self) -> None:
        """Have the executor call it; the thread that loads must not."""
        executor = self._node.executor
        if executor is not None:  # the node is being destroyed
            executor.create_task(self._on_standby)

    def _read_ahead(self) -> None:
        """Have the thread read the pieces of a version that is still incomplete."""
        if self._reading is None or self._reading.done():
            pieces = self._incoming.first_pieces()
            if pieces:
                # Errors in them are reported when the complete version is read again.
                self._reading = self._thread.submit(self._reader.read, pieces)

    def _make(
        self, received: ReceivedVersion, held: dict[str, WireTensor], seconds: float,
    ) -> Loaded:
        began = time.monotonic()
        manifest = received.manifest
        received.check_hash()
        tensors = complete(manifest, self._reader.finish(received.pieces), held)
        product = self._load(manifest, expanded(tensors))
        return Loaded(manifest, product, tensors, seconds, time.monotonic() - began)

    # Refusals and requests.

    def _refuse(
        self, version: int, error: WeightsRefused, manifest: Manifest | None = None,
    ) -> None:
        if isinstance(error, VersionRefused):
            manifest = error.manifest
        if isinstance(error, PiecesDoNotFit):
            self._request_after(manifest, error)
        if manifest is not None:
            self._give_up(manifest)
        self._on_refused(f'version {version}: {error}')

    def _give_up(self, manifest: Manifest) -> None:
        """Collect the weights of others, if those of this version's learner were being tried."""
        if self._accepted.reject(manifest):
            self._incoming.follow(self._accepted.run_id)

    def _request_after(self, manifest: Manifest, error: Exception) -> None:
        """Request a damaged version once more, or tensors that were left out but needed."""
        content = manifest.version, manifest.content_hash + manifest.weights_hash
        if isinstance(error, TensorsMissing):
            self._request(manifest, complete=True)
        elif isinstance(error, WeightsRefused) and self._requested_again != content:
            self._requested_again = content
            self._request(manifest)
        elif self._accepted.run_id in ('', manifest.run_id):
            self.refused_version = manifest.version

    def _request(self, manifest: Manifest, indices: list[int] | None = None,
                 complete: bool = False) -> None:
        message = WeightsRequest(
            run_id=manifest.run_id, version=manifest.version, chunk_indices=indices or [],
            complete=complete)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._requests.publish(message)
