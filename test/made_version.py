# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whole versions of weights: the manifest and all bytes of the pieces, as a sender makes them."""

from inril_ros.transport.weights.manifest import Version
from inril_ros.transport.weights.outgoing import OutgoingVersion


def whole(outgoing):
    """Return an outgoing version with a copy of its content."""
    content = b''.join(part for _, _, parts in outgoing.pieces(range(outgoing.chunk_count))
                       for part in parts)
    return Version(outgoing.manifest(), content)


def make_version(tensors, known, **manifest):
    """Return a version without the tensors whose hashes are known to the other side."""
    left_out = {name for name, tensor in tensors.items() if tensor.hash in known}
    return whole(OutgoingVersion(tensors, left_out, **manifest))
