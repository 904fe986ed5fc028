# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a message belongs to this run and robot: events of episodes, and transitions.

Anyone in the ROS domain may publish on these topics: a second graph, a recording that is played,
a process that was left over from another run.
"""

from inril_ros.msg import EpisodeEvent, Transition
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.robot.episode import EpisodeOutcome, is_episode_id

_SHOWN = 36  # characters of a run's UUID; a foreign text may be longer
_HASH = 12  # characters of a contract's hash
_OUTCOMES = frozenset(outcome.value for outcome in EpisodeOutcome)


def why_foreign(message: EpisodeEvent | Transition, run_id: str, contract_hash: str) -> str:
    """Return why a message does not belong here; empty if it does.

    Args:
        message: The message.
        run_id: UUID of this run; empty: messages of any run belong here.
        contract_hash: Hash of this robot's contract; empty: of any contract.
    """
    if run_id and message.run_id != run_id:
        return f'of run {message.run_id[:_SHOWN] or "without a name"}, this is run {run_id}'
    if contract_hash and message.contract_hash != contract_hash:
        return (f'made under contract {message.contract_hash[:_HASH] or "without a hash"}, '
                f'this is {contract_hash[:_HASH]}')
    if not is_episode_id(message.episode_id):
        return f'its episode_id {message.episode_id[:_SHOWN]!r} is no UUID'
    if message.outcome not in _OUTCOMES:
        return f'its outcome {message.outcome} is unknown'
    return ''


def check_ours(node: ManagedNode, event: EpisodeEvent) -> None:
    """Check that an event is of an episode of a node's run and robot.

    Raises:
        MessageRefused: It isn't; the message says why.
    """
    reason = why_foreign(event, node.run_id, node.contract.hash)
    if reason:
        raise MessageRefused(reason)
