# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts are checked where they enter: their reward, and their time.

Two nodes hear them, the one that ends episodes and the one that records them; both believe and
refuse the same ones.
"""

from inril_ros.msg import Outcome
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import stamp_ns

#: [s] A verdict whose stamp lies further in the future judges nothing that was observed.
AHEAD = 0.5
#: Where a simulator says whether the task is done while a classifier judges.
TRUTH_TOPIC = 'truth'
#: A parameter of simulators.
JUDGES = Parameter('judges', True, 'the simulator judges; false: a classifier does, and the '
                   f'simulator says on {TRUTH_TOPIC} whether the task is done')
#: How often a classifier erred.
JUDGE_STATUS = 'judge/status'


def simulator_topic(contract: Contract, judges: bool) -> str:
    """Return the topic on which a simulator says what an observation shows."""
    return contract.episode.outcome_topic if judges else TRUTH_TOPIC


def classifier_topic(contract: Contract, lockstep: bool) -> str:
    """Return the topic of a classifier's verdicts: in lockstep nobody can overrule them."""
    return contract.episode.verdict_topics[0 if lockstep else -1]


def check_verdict(message: Outcome, contract: Contract, now: int | None) -> None:
    """Check a verdict.

    Args:
        message: The verdict.
        contract: The robot's contract.
        now: [ns] The present time; None in lockstep, where stamps are not compared with it.

    Raises:
        MessageRefused: Its reward is outside of the contract's bounds, or it is of the future.
    """
    refusal = contract.episode.refusal_of_reward(message.reward)
    if refusal:
        raise MessageRefused(refusal)
    ahead = 0.0 if now is None else (stamp_ns(message) - now) / 1e9
    if ahead > AHEAD:
        raise MessageRefused(f'it judges an observation that lies {ahead:.3f} s in the future')
