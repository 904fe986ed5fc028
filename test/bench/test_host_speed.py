# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Costs are measured over whole cycles, with experience that a host can learn from."""

import pytest

from inril_ros.bench.cost.host_speed import (
    EPISODE,
    host_costs,
    LANES,
    made_up_session,
    MadeUpWorld,
)


def test_a_cycle_is_measured_up_to_its_imitation_event():
    costs = host_costs('actor_critic', 91, m=10)
    assert (costs.updates, costs.il_steps, costs.readings) == (100, 10, 1)
    assert costs.rl > 0.0 and costs.il > 0.0
    assert 0.0 < costs.il_share < 0.5
    assert 0.0 < costs.alignment_share < 0.5


@pytest.mark.parametrize('host', ['dppo', 'residual_sac'])
def test_synthetic_episodes_have_the_extras_that_the_host_needs(host):
    session, world = made_up_session({'name': host}), MadeUpWorld()
    transitions = world.play(session)
    steps = session.policy.decision_steps
    assert len(transitions) == LANES * -(-EPISODE // steps)
    assert {each.extras.size for each in transitions} == {session.policy.extras_size}
    for each in transitions:
        assert session.ingest(each)
    assert (session.intake.episodes, session.intake.successes) == (LANES, LANES // 2)
    assert session.intake.open_episodes == 0
