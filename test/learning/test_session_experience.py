# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A session learns from what arrived: once, in whole episodes, and nothing of aborted ones."""
from __future__ import annotations

from dataclasses import replace
import json

import numpy as np
import pytest
from small_session import saved, session, transitions

from inril_ros.learning.experience import Transition
from inril_ros.learning.policies import artifact


def test_a_transition_counts_once_however_often_it_arrives() -> None:
    once, often = session(), session()
    for number in range(4):
        for transition in transitions(number):
            assert once.ingest(transition)
            assert often.ingest(transition)
            assert not often.ingest(transition)
            assert not often.ingest(transitions(number)[0])
    assert often.intake.duplicates == 2 * often.intake.transitions
    assert often.env_steps == once.env_steps
    assert often.intake.episodes == once.intake.episodes
    assert len(often.host.replay) == len(once.host.replay)


def test_own_successes_count_from_the_end_of_their_episode() -> None:
    made = session()
    parts = transitions(0, success=True)
    for transition in parts[:-1]:
        made.ingest(transition)
        assert len(made.memory.success_rows) == 0
    made.ingest(parts[-1])
    assert len(made.memory.success_rows) == 20


def taken_over(parts: list[Transition], *decisions: int) -> list[Transition]:
    """Return an episode in which a person commanded these decisions."""
    return [replace(part, intervened=np.full(part.steps, index in decisions))
            for index, part in enumerate(parts)]


def test_a_success_in_which_a_person_drove_is_rescued_and_no_success_of_the_policy() -> None:
    made = session()
    for number in range(4):  # a success, a failure, a success ...
        for transition in transitions(number):
            made.ingest(transition)
    helped = taken_over(transitions(4), 2), taken_over(transitions(5), 4)
    for transition in [*helped[0], *helped[1]]:
        made.ingest(transition)
    assert (made.intake.episodes, made.intake.successes, made.intake.rescued) == (6, 2, 1)
    # Of the rescued one, the person's windows and what came after; of the failure, the person's.
    assert len(made.memory.success_rows) == 2 * 20 + (12 - 1)
    assert len(made.memory.intervention_rows) == 1 + 1


def test_a_person_s_steps_before_a_gap_and_a_restart_are_not_forgotten() -> None:
    first, second = session(), session()
    parts = taken_over(transitions(0, steps=40, success=True), 1)
    for transition in parts[:4] + parts[6:8]:
        first.ingest(transition)
    data, document = saved(first)
    second.load_state_dict(artifact.from_bytes(data), document)
    for made in (first, second):
        for transition in parts[8:]:
            made.ingest(transition)
        assert (made.intake.gaps, made.intake.successes, made.intake.rescued) == (1, 0, 1)


@pytest.mark.parametrize('helped', [True, False])
def test_a_session_saved_before_rescues_were_counted_resumes_if_nobody_intervened(
        helped: bool) -> None:
    former, made = session(), session()
    for transition in [*transitions(0), *taken_over(transitions(1), *[2] * helped)]:
        former.ingest(transition)
    tensors, text = former.state_dict()
    document = json.loads(text)
    del document['counters']['rescued'], document['helped']
    if helped:
        with pytest.raises(ValueError, match='former version.*Move the folder of checkpoints'):
            made.load_state_dict(tensors, json.dumps(document))
    else:
        made.load_state_dict(tensors, json.dumps(document))
        assert (made.intake.successes, made.intake.rescued) == (1, 0)
        assert saved(made) == saved(former)


def test_steps_before_a_gap_are_kept_as_cut_off() -> None:
    made = session()
    parts = transitions(0, steps=40, success=True)
    for transition in parts[:4] + parts[6:]:
        made.ingest(transition)
    assert (made.intake.gaps, made.intake.episodes, made.env_steps) == (1, 1, 32)
    # 16 steps, cut off: 13 windows of 4 steps; 16 steps to the success: each one a row.
    assert len(made.host.replay.online_rows) == 13 + 16
    assert len(made.memory.success_rows) == 16


def test_an_episode_whose_end_never_came_is_kept_as_cut_off() -> None:
    made, parts = session(), transitions(50)
    for part in parts[:2]:
        made.ingest(part)
    made.cut_off(parts[0].episode_id)
    assert (made.intake.episodes, made.intake.gaps, made.intake.open_episodes) == (1, 1, 0)
    assert made.host.replay.stored[-1].steps == sum(part.steps for part in parts[:2])
    assert not made.host.replay.stored[-1].terminated
    assert not made.ingest(parts[2])  # it has ended
    made.cut_off(parts[0].episode_id)
    assert made.intake.episodes == 1


def test_steps_without_a_valid_observation_allow_no_updates() -> None:
    made, parts = session(), transitions(50)
    blind = parts[0].observations.copy()
    blind[1:3] = np.nan
    made.ingest(replace(parts[0], observations=blind))
    assert made.env_steps == parts[0].steps - 2
    for part in parts[1:]:
        made.ingest(part)
    assert made.intake.episodes == 1
    assert made.env_steps == sum(part.steps for part in parts) - 2
    made.ingest(replace(parts[0], observations=blind, episode_id='other'))
    before = made.env_steps
    made.abandon('other')
    assert made.env_steps == before - (parts[0].steps - 2)


def test_an_abandoned_episode_is_never_learned_from() -> None:
    made = session()
    parts = transitions(0)
    for transition in parts[:3]:
        made.ingest(transition)
    assert made.intake.open_episodes == 1
    assert made.env_steps == sum(part.steps for part in parts[:3])
    made.abandon('episode 0')
    assert made.env_steps == 0
    assert made.intake.forgotten_steps == sum(part.steps for part in parts[:3])
    made.abandon('episode 0')  # again, as at a repeated end
    assert not made.ingest(parts[3]) and made.env_steps == 0
    assert made.intake.open_episodes == made.intake.episodes == 0
    assert len(made.host.replay.online_rows) == 0


def test_steps_of_abandoned_episodes_allow_no_updates() -> None:
    """A run with aborted episodes in between takes the updates of one without them."""
    made, other = session(), session()
    for number in range(6):
        for transition in transitions(number):
            made.ingest(transition)
            other.ingest(transition)
        for transition in transitions(20 + number)[:-1]:
            other.ingest(transition)
        other.abandon(f'episode {20 + number}')
        assert other.env_steps == made.env_steps
        assert other.updates_due == made.updates_due
        while made.updates_due:
            made.update()
            other.update()
    assert made.rl_updates == other.rl_updates > 0


def test_a_transition_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    made = session()
    made.ingest(transitions(0)[0])
    before = saved(made)
    good = transitions(0)[1]
    wide = Transition('w', 0, np.zeros((2, 4)), np.zeros((1, 2)), np.zeros(1), np.zeros(1),
                      False, False, False)
    for bad, message in [(replace(good, observations=good.observations + 1), 'differs'),
                         (wide, r'\(4, 2\), the model \(3, 2\)')]:
        with pytest.raises(ValueError, match=message):
            made.ingest(bad)
        assert saved(made) == before
    assert made.ingest(good)


def test_resets_and_the_steps_of_a_person_are_counted_and_kept() -> None:
    made = session()
    for number in range(3):
        for transition in transitions(number):
            driven = np.arange(transition.steps) < 3 * (number == 1)
            made.ingest(replace(transition, intervened=driven))
    for transition in transitions(3)[:2]:
        made.ingest(transition)
    made.abandon('episode 3')
    assert (made.intake.resets, made.intake.person_steps) == (4, 15)
    assert (made.env_steps, made.intake.forgotten_steps) == (60, 8)
    tensors, document = made.state_dict()
    resumed = session(seed=5)
    resumed.load_state_dict(tensors, document)
    assert (resumed.intake.resets, resumed.intake.person_steps) == (4, 15)
    assert (resumed.env_steps, resumed.intake.forgotten_steps) == (60, 8)
