# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner gets what the recorder sends; a person's actions are imitated."""

from hand_arm import CONTRACT
from inril_ros.msg import EpisodeEvent, ExecutedAction, Transition
import numpy as np
import pytest

from inril_ros.learning.interleave.sources import ImitationMemory, ImitationSource
from inril_ros.learning.joining import join_transitions
from inril_ros.learning.replay import Origin
from inril_ros.nodes.learner.transition_messages import to_experience

POLICY, TELEOP, HOLD = ExecutedAction.POLICY, ExecutedAction.TELEOP, ExecutedAction.HOLD


def message(first, source, **changed):
    """Return steps from a tick on; each observation and command holds its tick."""
    ticks = np.arange(first, first + len(source) + 1, dtype=np.float32)
    return Transition(**{
        'episode_id': 'e', 'first_tick': first, 'steps': len(source), 'observation_size': 3,
        'action_size': 3, 'observations': np.repeat(ticks, 3).tolist(),
        'executed': np.repeat(0.1 * ticks[:-1], 3).tolist(), 'rewards': [0.0] * len(source),
        'source': source, 'extras': [], 'outcome': EpisodeEvent.FAILURE, **changed})


def test_a_person_s_actions_in_a_failed_episode_are_imitated_as_a_demonstration():
    parts = [message(0, [POLICY, POLICY]), message(2, [TELEOP, TELEOP, TELEOP]),
             message(5, [HOLD, POLICY], terminated=True)]
    episode = join_transitions([to_experience(part, CONTRACT) for part in parts])
    assert episode.intervened.tolist() == [False] * 2 + [True] * 3 + [False] * 2
    memory = ImitationMemory(3, 3, 2)
    memory.add(episode, Origin.ONLINE)
    rows = ImitationSource('interventions', 0.5).rows(
        memory, 64, np.random.default_rng(0))
    states, _, chunks = memory.pairs(rows)
    assert set(states[:, 0]) == {2.0, 3.0}  # whole windows of two of the person's actions
    np.testing.assert_allclose(chunks[:, 0, 0], 0.1 * states[:, 0] / 2, atol=1e-6)
    np.testing.assert_allclose(chunks[:, 1, 0], 0.1 * (states[:, 0] + 1) / 2, atol=1e-6)


@pytest.mark.parametrize(('changed', 'words'), [
    ({'executed': [float('nan')] * 6}, 'executed are not finite'),
    ({'observations': [float('inf')] * 9}, 'observations are not finite'),
    ({'action_size': 2}, 'the contract has'), ({'rewards': [0.0]}, 'reshape'),
    ({'steps': 3}, 'reshape'), ({'observations': [0.0] * 6}, 'reshape')])
def test_invalid_transitions_are_refused(changed, words):
    with pytest.raises(ValueError, match=words):
        to_experience(message(0, **{'source': [POLICY, POLICY], **changed}), CONTRACT)


def test_a_row_of_nan_is_a_tick_without_a_valid_observation():
    nan = [float('nan')] * 3
    told = to_experience(message(0, [POLICY, HOLD], observations=[0.0] * 3 + nan + [2.0] * 3),
                         CONTRACT)
    assert told.observed.tolist() == [True, False, True] and told.observed_steps == 1
    with pytest.raises(ValueError, match='observations are not finite'):
        to_experience(message(0, [POLICY], observations=[0.0] * 3 + [*nan[:2], 1.0]), CONTRACT)
