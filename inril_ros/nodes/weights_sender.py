# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner's end of the weights: versions out, and again what was lost on the way.

Tensors that the acting side is known to have are left out. It is known from its own status: the
version it says it acts with is one that was sent from here.
"""

from collections import OrderedDict
from collections.abc import Mapping

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription

from inril_ros.msg import PolicyStatus, PolicyWeights, WeightsManifest, WeightsRequest
from inril_ros.nodes import qos
from inril_ros.transport.tensor_set import make_version, rounded, WireTensor
from inril_ros.transport.weights import chunk_count, cut, Version

#: Versions of which it is remembered what they were made of.
_REMEMBERED = 20


class WeightsSender:
    """Numbers and sends versions.

    Args:
        node: The node that publishers and subscriptions belong to.
        run_id: UUID of the run.
        learner_id: UUID of this process.
        contract_hash: Of the contract that the weights are for.
        half: Send matrices as bfloat16.

    Attributes:
        version: The last one, 0 before the first. A restored learner sets it.
        links: The ends that the learner needs somebody at.
    """

    def __init__(self, node: Node, run_id: str, learner_id: str, contract_hash: str,
                 half: bool) -> None:
        self.version = 0
        self._node = node
        self._names = {'run_id': run_id, 'learner_id': learner_id, 'contract_hash': contract_hash}
        self._half = half
        self._sent: Version | None = None
        self._made_of: OrderedDict[int, frozenset[str]] = OrderedDict()  # hashes by version
        self._acting = 0
        self._pieces = node.create_publisher(PolicyWeights, 'weights/pieces', qos.WEIGHTS)
        self._manifests = node.create_publisher(WeightsManifest, 'weights/manifest', qos.MANIFEST)
        node.create_subscription(
            WeightsRequest, 'weights/request', self._asked, qos.EVENT)
        self.links: tuple[Publisher | Subscription, ...] = (self._pieces, self._manifests)
        #: Somebody lacks tensors that were left out: the next version must have all of them.
        self.wants_all = False

    def send(self, tensors: Mapping[str, WireTensor], model_config: str, schema_hash: str,
             learner_step: int) -> None:
        """Send weights as the next version.

        Args:
            tensors: All of them, by name (``tensor_set.gather``).
            model_config: JSON of the model's configuration.
            schema_hash: See WeightsManifest.msg.
            learner_step: RL updates done.
        """
        tensors = rounded(tensors) if self._half else tensors
        known = frozenset() if self.wants_all else self._made_of.get(self._acting, frozenset())
        self.wants_all = False
        # Something must be sent, or there would be nothing to put together.
        if all(tensor.hash in known for tensor in tensors.values()):
            known = frozenset()
        self.version += 1
        self._sent = make_version(
            tensors, known, version=self.version, parent_version=self.version - 1,
            learner_step=learner_step, model_config=model_config, schema_hash=schema_hash,
            **self._names)
        self._made_of[self.version] = frozenset(tensor.hash for tensor in tensors.values())
        while len(self._made_of) > _REMEMBERED:
            self._made_of.popitem(last=False)
        # The manifest last: of two versions in a row the first one is whole when it is named.
        self._publish_pieces(self._sent, range(self._sent.manifest.chunk_count))
        self._publish_manifest(self._sent)

    def heard(self, status: PolicyStatus) -> bool:
        """Take what the acting side says.

        Returns:
            Whether it acts with a later version than the last one from here: this learner came
            back with less, and must number on from there.
        """
        ours = status.run_id == self._names['run_id']
        self._acting = status.weights_version if ours else 0
        if self._acting > self.version:
            self.version = self._acting
            return True
        return False

    def _asked(self, message: WeightsRequest) -> None:
        """Send again what somebody lacks of the last version; older ones are over."""
        sent = self._sent
        if message.run_id != self._names['run_id'] or sent is None:
            return
        if message.complete:
            self.wants_all = True
            return
        if message.version != sent.manifest.version:
            return
        indices = [index for index in message.chunk_indices if index < sent.manifest.chunk_count]
        if not message.chunk_indices:
            indices = range(sent.manifest.chunk_count)
        self._publish_pieces(sent, indices)
        if not message.chunk_indices:
            self._publish_manifest(sent)

    def _publish_manifest(self, version: Version) -> None:
        message = WeightsManifest(format='safetensors')
        message.header.stamp = self._node.get_clock().now().to_msg()
        for name, value in vars(version.manifest).items():
            setattr(message, name, value)
        self._manifests.publish(message)

    def _publish_pieces(self, version: Version, indices: 'range | list[int]') -> None:
        pieces = cut(version.content)
        for index in indices:
            offset, piece = pieces[index]
            message = PolicyWeights(
                run_id=version.manifest.run_id, version=version.manifest.version,
                chunk_index=index, chunk_count=chunk_count(len(version.content)), offset=offset)
            message.header.stamp = self._node.get_clock().now().to_msg()
            message.data.frombytes(piece)
            self._pieces.publish(message)
