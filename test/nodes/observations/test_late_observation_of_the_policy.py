# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""After late samples the policy sees what the learner will have of the same ticks."""

from inril_ros.msg import EpisodeEvent, EpisodeRequest
import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from small_arm import CONTRACT, DESCRIPTION, executed, observations, START, TICK
import yaml

from inril_ros.data.frames.assembly import TransitionAssembler
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.nodes.policy_node import PolicyNode

TICKS = 8
#: The samples that don't come; at ticks 3 and 7 the newest one is too old.
MISSING = {('joint_states', 2), ('joint_states', 3), ('hand', 4), ('hand', 5), ('hand', 6),
           ('hand', 7), ('joint_states', 6), ('joint_states', 7)}


@pytest.fixture
def policy(tmp_path):
    (tmp_path / 'arm.yaml').write_text(yaml.safe_dump(DESCRIPTION))
    context = Context()
    rclpy.init(context=context)
    node = PolicyNode(context=context, parameter_overrides=[
        Parameter(name, value=value) for name, value in {
            'contract': str(tmp_path / 'arm.yaml'), 'run_id': 'r', 'lockstep': False}.items()])
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    yield node
    node.trigger_shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_the_policy_acts_on_no_late_observation_and_later_sees_what_the_learner_gets(policy):
    acted, seen = {}, {}
    policy._infer_if_due = lambda frame, observation: acted.update({frame.stamp: observation})
    policy._on_event(EpisodeEvent(
        event=EpisodeEvent.STARTED, purpose=EpisodeRequest.ROLLOUT, run_id='r', episode_id='e',
        contract_hash=CONTRACT.hash))
    aligner = FrameAligner(CONTRACT)
    assembler = TransitionAssembler(CONTRACT, aligner, lockstep=False)
    for tick in range(TICKS + 1):
        for topic, message in observations(START + tick * TICK):
            if (topic, tick) not in MISSING:
                for each in (aligner, policy._aligner):
                    each.add(topic, message)
        policy._act(START + tick * TICK)
        late = START + tick * TICK not in acted
        assert late == bool(policy.hold_reasons())
        assert not late or ' old, ' in policy.hold_reasons()[0]
        if tick < TICKS:
            assembler.add_executed(executed(tick))
    assembler.end(TICKS, START + TICKS * TICK)
    for decision in assembler.ready():
        for place, row in enumerate(decision.observations):
            if decision.seen[place]:
                seen[START + (decision.first_tick + place) * TICK] = row
    assert [(stamp - START) // TICK for stamp in sorted(acted)] == [0, 1, 2, 4, 5, 6, 8]
    assert seen.keys() == acted.keys()
    for stamp, observation in acted.items():  # changes and previous values count ticks
        np.testing.assert_array_equal(observation, seen[stamp])
