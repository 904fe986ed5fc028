# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A session learns as much as its experience allows, and resumes exactly."""
from __future__ import annotations

from dataclasses import replace
import json

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from small_session import (
    CONFIG,
    DEMONSTRATIONS,
    episode,
    HOST,
    learn,
    pretrained,
    saved,
    session,
    transitions,
)
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies import artifact
from inril_ros.learning.session import FineTuningSession


def test_the_number_of_updates_follows_from_the_added_steps() -> None:
    made = session()
    for transition in transitions(0) + transitions(1) + transitions(2)[:4]:
        made.ingest(transition)
        assert made.updates_due == 0
    made.ingest(transitions(2)[4])
    assert (made.env_steps, made.updates_due) == (60, 10)
    while made.updates_due:
        made.update()
    made.ingest(transitions(3)[0])
    assert made.updates_due == 2
    assert (made.intake.transitions, made.intake.episodes, made.intake.successes) == (16, 3, 2)


def test_no_update_before_the_first_episode() -> None:
    with pytest.raises(RuntimeError, match='updates_due'):
        session(host=replace(HOST, warmup_steps=0)).update()


def test_il_updates_come_after_every_m_rl_updates() -> None:
    logged = learn(session(m=3), range(8))
    assert len(logged) == 10 + (8 * 20 - 60) // 2
    for count, entry in enumerate(logged, start=1):
        assert entry['rl_updates'] == count
        assert entry['il_updates'] == count // 3
        assert ('il_loss' in entry) == (count % 3 == 0)
        assert entry['ratio'] == pytest.approx((count // 3) / count)


def test_rl_only_never_changes_the_actor_and_imitation_never_the_critic() -> None:
    start = pretrained().state_dict()

    def moved(made: FineTuningSession, part: str) -> bool:
        learn(made, range(5))
        return any(not torch.equal(tensor, start[name])
                   for name, tensor in made.export()[0].items() if name.startswith(part))

    assert not moved(session(m=None), 'actor')
    assert moved(session(m=None), 'critic')
    assert moved(session(m=2), 'actor.network')
    # The same critic with and without imitation, except for the candidates of its target.
    alone, with_il = session(m=None), session(m=1)
    for made in (alone, with_il):
        for number in range(4):
            for transition in transitions(number):
                made.ingest(transition)
    before = {name: tensor.clone() for name, tensor in with_il.policy.critic.state_dict().items()}
    for _ in range(3):
        with_il.interleaver.steps.il(with_il.interleaver._il_gradient()[0], None)
    assert all(torch.equal(before[name], tensor)
               for name, tensor in with_il.policy.critic.state_dict().items())


def test_the_critic_chooses_only_after_its_warm_up() -> None:
    made = session()
    for number in range(3):
        for transition in transitions(number):
            made.ingest(transition)
    for _ in range(9):
        made.update()
    assert int(made.export()[0]['candidates']) == 1
    made.update()
    assert int(made.export()[0]['candidates']) == 4


def test_demonstrations_kept_out_are_in_no_row() -> None:
    made = session(heldout=(1, 4))
    learned = made.memory.pairs(made.memory.demonstration_rows)[0]
    for index, demonstration in enumerate(DEMONSTRATIONS):
        found = [(learned == row).all(axis=1).any() for row in demonstration.observations[:-1]]
        assert not any(found) if index in (1, 4) else all(found)
    with pytest.raises(ValueError, match=r'demonstrations \[5\]: there are 5'):
        session(heldout=(2, 5))


def test_every_demonstration_is_learned_from_unless_the_model_was_cloned_without_it() -> None:
    made = session(heldout=())
    assert len(made.memory.demonstration_rows) == sum(each.steps for each in DEMONSTRATIONS)
    assert made.heldout_il_loss() is None


def test_a_session_is_not_resumed_with_other_heldout_demonstrations() -> None:
    tensors, document = session().state_dict()
    with pytest.raises(ValueError, match=r'held-out .* differs: .*saved \[2\], now \[1\]'):
        session(heldout=(1,)).load_state_dict(tensors, document)


def test_a_session_saved_with_a_share_of_its_own_is_resumed_if_it_is_the_same_split() -> None:
    tensors, document = session().state_dict()
    old = json.loads(document)
    del old['heldout'], old['config']['episode_cut']
    old['config']['heldout_share'] = 0.2  # of five: the third
    resumed = session(seed=8)
    resumed.load_state_dict(tensors, json.dumps(old))
    assert saved(resumed) == (artifact.to_bytes(tensors), document)
    with pytest.raises(ValueError, match=r'saved \[2\], now \[\]'):
        session(heldout=()).load_state_dict(tensors, json.dumps(old))


@pytest.mark.parametrize(('cut', 'steps', 'expected'), [
    (None, (20, 30), None), (1.0, (20, 31), 26), (1.1, (100, 100), 110), (1.5, (21, 21), 32),
    (0.1, (1, 1), 1)])
def test_episodes_are_cut_relative_to_the_demonstrations(
        cut: float | None, steps: tuple[int, int], expected: int | None) -> None:
    made = FineTuningSession(replace(CONFIG, episode_cut=cut), pretrained(),
                             [episode(number, length) for number, length in enumerate(steps)],
                             0, 'cpu', heldout=(1,))
    assert made.longest_episode == expected


def test_the_heldout_loss_repeats_and_follows_the_actor() -> None:
    made = session()
    before = made.heldout_il_loss()
    assert before == made.heldout_il_loss()
    learn(made, range(8))
    assert made.heldout_il_loss() != before


def test_an_export_builds_the_policy_and_never_changes() -> None:
    made = session()
    learn(made, range(5))
    tensors, config_json, step = made.export()
    policy = artifact.build_policy(config_json, tensors)
    observations = torch.randn(4, 3)
    chunks = [each.act(Observations(observations), torch.Generator().manual_seed(1))
              for each in (policy, made.policy)]
    assert torch.equal(*chunks)
    assert step == made.schedule.rl_updates > 0
    content = artifact.to_bytes(tensors)
    learn(made, range(5, 8))
    assert artifact.to_bytes(tensors) == content


def test_the_same_seed_gives_the_same_session_and_another_one_does_not() -> None:
    first, second, other = session(), session(), session(seed=1)
    assert learn(first, range(6)) == learn(second, range(6))
    assert saved(first) == saved(second)
    learn(other, range(6))
    assert saved(other)[0] != saved(first)[0]


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 45), st.integers(0, 2))
def test_a_session_that_stops_and_resumes_equals_an_uninterrupted_one(
        stop: int, extra_updates: int) -> None:
    stream = [t for number in range(9) for t in transitions(number)]
    whole, first = session(), session()

    def feed(made: FineTuningSession, part: list[Transition]) -> None:
        for transition in part:
            made.ingest(transition)
            # Leave some updates undone, so that the stop falls between the two.
            while made.updates_due > extra_updates:
                made.update()

    feed(whole, stream)
    feed(first, stream[:stop])
    data, document = saved(first)
    second = session(seed=77)
    second.load_state_dict(artifact.from_bytes(data), document)
    assert saved(second) == (data, document)
    feed(second, stream[stop:])
    assert saved(second) == saved(whole)


def test_resuming_does_not_change_the_saved_state() -> None:
    first = session()
    learn(first, range(6))
    tensors, document = first.state_dict()
    before = artifact.to_bytes(tensors)
    second = session()
    second.load_state_dict(tensors, document)
    learn(second, range(6, 9))
    assert artifact.to_bytes(tensors) == before


def test_a_session_with_other_settings_is_not_resumed() -> None:
    tensors, document = session().state_dict()
    with pytest.raises(ValueError, match='m: saved 3, now 4'):
        session(m=4).load_state_dict(tensors, document)
    with pytest.raises(ValueError, match='generator'):
        session().load_state_dict(
            {name: tensor for name, tensor in tensors.items() if name != 'generator'}, document)


def test_a_session_refuses_unusable_experience() -> None:
    with pytest.raises(ValueError, match='at least one demonstration'):
        FineTuningSession(CONFIG, pretrained(), [], 0, 'cpu')
    wide = Episode(np.zeros((3, 4)), np.zeros((2, 2)), np.zeros(2), True, True)
    with pytest.raises(ValueError, match='demonstration 0'):
        FineTuningSession(CONFIG, pretrained(), [wide], 0, 'cpu')
