# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner's end of the weights: sends versions, and again what was lost on the way.

Tensors that a policy is known to have are left out: those of the version that it reports to act
with. Several robots get the same versions, each on its own topics and without what it has itself.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
import posixpath
import time

from rclpy.node import Node
from rclpy.publisher import Publisher

from inril_ros.msg import PolicyStatus, PolicyWeights, WeightsManifest, WeightsRequest
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.transport.weights.manifest import WeightsRefused
from inril_ros.transport.weights.outgoing import OutgoingVersion, unchanged
from inril_ros.transport.weights.resend_budget import ResendBudget
from inril_ros.transport.weights.tensors import rounded, WireTensor
from inril_ros.transport.weights.version_numbers import check_version

#: Versions whose tensor hashes are remembered.
_REMEMBERED = 20
#: [s] Shortest time between two versions that follow a policy's number: each sends all weights.
FOLLOWING = 5.0


class WeightsSender:
    """Numbers and sends versions.

    Args:
        contract_hash: Hash of the contract that the weights are made for.
        half: Send matrices as bfloat16.
        robots: Namespaces of the robots, relative to the node's; empty: the node's own.
        clock: Returns the time [s].

    Attributes:
        version: Number of the last version, 0 before the first. A restored learner sets it.
        endpoints: The publishers that need a counterpart.
    """

    def __init__(self, node: Node, run_id: str, learner_id: str, contract_hash: str,
                 half: bool, robots: Sequence[str] = ('',),
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.version = 0
        self._clock = clock
        self._followed = float('-inf')  # when it last followed a policy's number
        self._node = node
        self._ids = {'run_id': run_id, 'learner_id': learner_id, 'contract_hash': contract_hash}
        self._half = half
        self._hashes: OrderedDict[int, frozenset[str]] = OrderedDict()  # of tensors, by version
        self._last: dict[str, WireTensor] = {}  # tensors of the last version, hashed
        self._receivers = {robot: _Receiver(node, robot, clock()) for robot in robots}
        for robot, receiver in self._receivers.items():
            node.create_subscription(
                WeightsRequest, posixpath.join(robot, 'weights/request'),
                partial(self._on_request, receiver), qos.EVENT)
        self.endpoints: tuple[Publisher, ...] = tuple(
            publisher for receiver in self._receivers.values()
            for publisher in (receiver.pieces, receiver.manifests))

    @property
    def wants_all(self) -> bool:
        """Whether a robot lacks tensors that were left out, so that a new version must be sent."""
        return any(receiver.wants_all for receiver in self._receivers.values())

    def send(self, tensors: Mapping[str, WireTensor], model_config: str, schema_hash: str,
             learner_step: int) -> None:
        """Send weights as the next version.

        Args:
            tensors: All tensors by name (``tensors.wire_tensors``).
            model_config: JSON of the model's configuration.
            schema_hash: See WeightsManifest.msg.
            learner_step: RL updates done.
        """
        tensors = dict(rounded(tensors) if self._half else tensors)
        same = unchanged(tensors, self._last)
        self._last = tensors
        self.version += 1
        made: dict[frozenset[str], OutgoingVersion] = {}  # shared by robots that lack the same
        with ThreadPoolExecutor(1, thread_name_prefix='hashing') as pool:
            hashing = pool.submit(_compute_hashes, tensors.values())
            for receiver in self._receivers.values():
                left_out = self._left_out(receiver, same, tensors)
                receiver.wants_all = False
                if left_out not in made:
                    made[left_out] = OutgoingVersion(
                        tensors, left_out, version=self.version,
                        parent_version=self.version - 1, learner_step=learner_step,
                        model_config=model_config, schema_hash=schema_hash, **self._ids)
                receiver.sent = made[left_out]
                # The manifest goes last: then the first of two versions in a row is complete when
                # it is named, and the hashes in the manifest are computed meanwhile.
                self._publish_pieces(receiver, range(receiver.sent.chunk_count))
                hashing.result()
                self._publish_manifest(receiver)
        self._hashes[self.version] = frozenset(tensor.hash for tensor in tensors.values())
        while len(self._hashes) > _REMEMBERED:
            self._hashes.popitem(last=False)

    def _left_out(self, receiver: '_Receiver', same: Mapping[str, WireTensor],
                  tensors: Mapping[str, WireTensor]) -> frozenset[str]:
        """Return the names of the tensors that a robot has."""
        known = self._hashes.get(receiver.acting, frozenset())
        names = frozenset(name for name, tensor in same.items() if tensor.hash in known)
        # At least one tensor must be sent: a version without pieces never arrives.
        return frozenset() if receiver.wants_all or names == tensors.keys() else names

    def on_policy_status(self, status: PolicyStatus, robot: str = '') -> bool:
        """Note which version a robot acts with.

        Args:
            status: The robot's status.
            robot: Its namespace.

        Returns:
            Whether the robot acts with a later version than this learner's last one: the learner
            came back with less, and continues its numbers from there.

        Raises:
            MessageRefused: The version is too far ahead to be one of this run.
        """
        ours = status.run_id == self._ids['run_id']
        if ours:
            try:
                check_version(status.weights_version, self.version)
            except WeightsRefused as error:
                raise MessageRefused(str(error)) from error
        self._receivers[robot].acting = status.weights_version if ours else 0
        if not ours or status.weights_version <= self.version \
                or self._clock() - self._followed < FOLLOWING:  # it reports again every second
            return False
        self._followed = self._clock()
        self.version = status.weights_version
        return True

    def _on_request(self, receiver: '_Receiver', message: WeightsRequest) -> None:
        """Send again what a robot lacks of the last version; older versions are over.

        Raises:
            MessageRefused: More is requested than is sent again now; the rest was sent.
        """
        sent = receiver.sent
        if message.run_id != self._ids['run_id'] or sent is None:
            return
        now, whole = self._clock(), sent.chunk_count
        if message.complete:
            if not receiver.wants_all and receiver.budget.take(whole, whole, now) < whole:
                raise MessageRefused('all tensors are requested again too often')
            receiver.wants_all = True
            return
        if message.version != sent.number:
            return
        wanted = list(dict.fromkeys(
            index for index in message.chunk_indices or range(whole) if index < whole))
        granted = receiver.budget.take(len(wanted), whole, now)
        self._publish_pieces(receiver, wanted[:granted])
        if granted < len(wanted):
            raise MessageRefused(f'pieces of version {sent.number} are requested again too often: '
                                 f'{granted} of {len(wanted)} were sent')
        if not message.chunk_indices:
            self._publish_manifest(receiver)

    def _publish_manifest(self, receiver: '_Receiver') -> None:
        message = WeightsManifest(format='safetensors')
        message.header.stamp = self._node.get_clock().now().to_msg()
        for name, value in vars(receiver.sent.manifest()).items():
            setattr(message, name, value)
        receiver.manifests.publish(message)

    def _publish_pieces(self, receiver: '_Receiver', indices: Sequence[int]) -> None:
        sent = receiver.sent
        for index, offset, parts in sent.pieces(indices):
            message = PolicyWeights(
                run_id=self._ids['run_id'], version=sent.number, chunk_index=index,
                chunk_count=sent.chunk_count, offset=offset)
            message.header.stamp = self._node.get_clock().now().to_msg()
            for part in parts:
                message.data.frombytes(part)
            receiver.pieces.publish(message)


def _compute_hashes(tensors: Iterable[WireTensor]) -> None:
    """Compute the hashes in this thread alone, because another one sends meanwhile."""
    for tensor in tensors:
        tensor.hash  # noqa: B018  it is computed once


class _Receiver:
    """One robot that receives weights.

    Attributes:
        acting: Version of this run that it reports to act with; 0: none.
        sent: The last version as it was sent to it.
        wants_all: Whether it lacks tensors that were left out.
        budget: What may be sent to it again.
    """

    def __init__(self, node: Node, robot: str, now: float) -> None:
        self.acting = 0
        self.sent: OutgoingVersion | None = None
        self.wants_all = False
        self.budget = ResendBudget(now)
        self.pieces = node.create_publisher(
            PolicyWeights, posixpath.join(robot, 'weights/pieces'), qos.WEIGHTS)
        self.manifests = node.create_publisher(
            WeightsManifest, posixpath.join(robot, 'weights/manifest'), qos.MANIFEST)
