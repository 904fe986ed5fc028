# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A session adds experience once, learns as much as it allows, and resumes exactly."""
from __future__ import annotations

from dataclasses import replace
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.idql import IDQLConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies import artifact
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig

MODEL = ModelConfig(observation_size=3, action_size=2, actor_width=16, critic_width=16)
HOST = IDQLConfig(updates_per_step=0.5, warmup_steps=60, warmup_updates=10, batch=16, candidates=4,
                  target_candidates=2)
CONFIG = SessionConfig(host=HOST, imitation_batch=16, m=3, dose_window=7, episode_cut=None)


def episode(number: int, steps: int = 20, success: bool = True) -> Episode:
    random = np.random.default_rng(number)
    rewards = np.zeros(steps)
    rewards[-1] = success
    return Episode(random.normal(size=(steps + 1, 3)), random.uniform(-1, 1, (steps, 2)), rewards,
                   success, success)


DEMONSTRATIONS = [episode(number) for number in range(5)]


def pretrained() -> BestOfN:
    torch.manual_seed(3)
    return BestOfN(MODEL)


def session(seed: int = 0, heldout: tuple[int, ...] = (2,), **changes: Any) -> FineTuningSession:
    return FineTuningSession(replace(CONFIG, **changes), pretrained(), DEMONSTRATIONS, seed, 'cpu',
                             heldout)


def transitions(number: int, steps: int = 20, success: bool | None = None) -> list[Transition]:
    """Return an episode cut into decisions of 4 steps (every second one succeeds)."""
    success = number % 2 == 0 if success is None else success
    whole = episode(100 + number, steps, success)
    cut = []
    for first in range(0, steps, 4):
        after = min(first + 4, steps)
        last = after == steps
        cut.append(Transition(
            f'episode {number}', first, whole.observations[first:after + 1],
            whole.actions[first:after], whole.rewards[first:after], np.zeros(after - first),
            last and success, last and not success, last and success))
    return cut


def learn(made: FineTuningSession, numbers: range) -> list[dict[str, float]]:
    """Ingest episodes, and take all updates as soon as they are due."""
    logged = []
    for number in numbers:
        for transition in transitions(number):
            made.ingest(transition)
            while made.updates_due:
                logged.append(made.update())
    return logged


def saved(made: FineTuningSession) -> tuple[bytes, str]:
    tensors, document = made.state_dict()
    return artifact.to_bytes(tensors), document


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
