# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lanes give the episodes of the graph, whatever runs beside them."""

from types import SimpleNamespace

import numpy as np
import pytest
from simulated_episode import run_episode
import torch

from inril_ros.bench.evaluation import evaluate, Evaluation
from inril_ros.bench.robots import bench_of
from inril_ros.bench.task import Task
from inril_ros.bench.vectorised import Lanes
from inril_ros.learning.exploration import ExplorationConfig, ExplorationNoise
from inril_ros.learning.joining import join_transitions
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.policy import Decision, Policy

STEPS = 3


class Reaching(Policy):
    """Moves the hand towards the goal by a linear law, three steps per decision."""

    def __init__(self, contract):
        super().__init__()
        self.config = SimpleNamespace(chunk_length=STEPS, action_size=4)
        self.gain = torch.nn.Parameter(torch.tensor(10.0))
        ends = np.cumsum([contract.length(name) for name in contract.policy_observations])
        self._at = {name: slice(end - contract.length(name), end) for name, end in zip(
            contract.policy_observations, ends)}
        self._scale = contract.derived['object_to_goal'].scale
        self.batches = []

    @property
    def cloned(self):
        return self

    def decide(self, observations, memory, generator, explore):
        self.batches.append(len(observations))
        state = observations.state
        goal = state[:, self._at['goal_height']]
        if memory is not None:
            fresh = memory.positions == STEPS
            memory.plans[fresh, 0, :1] = goal[fresh]
            memory.positions.zero_()
            assert torch.equal(memory.plans[:, 0, :1], goal), 'the memory of another lane'
        way = sum(state[:, self._at[name]]
                  for name in ('hand_to_object', 'object_to_goal')) / self._scale
        action = torch.cat([self.gain * way, torch.zeros(len(way), 1)], dim=1).clamp(-1, 1)
        return Decision(action.unsqueeze(1).repeat(1, STEPS, 1), way[:, :1])


@pytest.fixture(scope='module')
def bench():
    return bench_of(Task('reach'))


@pytest.fixture
def lanes(bench):
    made = []

    def make(number, time_limit=60):
        made.append(Lanes(bench.open, bench.contract, time_limit, number))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope='module')
def alone(bench):
    """Return episodes of the same seeds, each run alone; they end at different times."""
    lane = Lanes(bench.open, bench.contract, 60, 1)
    episodes = {seed: play(lane, Reaching(bench.contract), [seed])[0] for seed in (1, 2, 3)}
    assert len({each.steps for each in episodes.values()}) == 3
    return episodes


def play(lanes, policy, seeds, **options):
    return lanes.play(policy, seeds, torch.Generator().manual_seed(0), **options)


def test_a_lane_gives_the_episode_of_the_graph_in_lockstep(bench, lanes):
    policy, seed = Reaching(bench.contract), 5
    (played,) = play(lanes(1), policy, [seed])
    waiting = []

    def act(observation, values):
        if not waiting:
            decision = policy.decide(
                Observations(torch.from_numpy(observation)[None]), None, None, False)
            waiting.extend(bench.contract.denormalise_action(
                decision.actions[0].detach().numpy()))
        return waiting.pop(0)

    rollout = run_episode(bench.open(), bench.contract, act, seed, 60)
    episode = played.episode()
    np.testing.assert_array_equal(episode.observations, rollout.observations)
    np.testing.assert_array_equal(
        episode.actions, bench.contract.normalise_action(rollout.actions).clip(-1, 1))
    np.testing.assert_array_equal(episode.rewards, rollout.rewards)
    assert played.outcome == rollout.outcome


@pytest.mark.parametrize('order', [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_episodes_do_not_depend_on_what_runs_beside_them(order, bench, lanes, alone):
    for played, seed in zip(play(lanes(3), Reaching(bench.contract), order), order):
        np.testing.assert_array_equal(
            np.stack(played.observations), np.stack(alone[seed].observations))
        assert played.outcome == alone[seed].outcome


def test_lanes_that_have_ended_drop_out_of_the_batch(bench, lanes):
    policy = Reaching(bench.contract)
    played = play(lanes(3), policy, [1, 2, 3])
    assert len({each.steps for each in played}) > 1, 'the seeds were chosen to differ'
    expected = [sum(each.steps > first for each in played)
                for first in range(0, max(each.steps for each in played), STEPS)]
    assert policy.batches == expected


def test_joined_transitions_give_the_episode_and_its_decisions(bench, lanes):
    policy = Reaching(bench.contract)
    for played in play(lanes(2, time_limit=10), policy, [1, 2]):
        joined = join_transitions(played.transitions('x'))
        episode = played.episode()
        np.testing.assert_array_equal(joined.observations, episode.observations)
        np.testing.assert_array_equal(joined.actions, episode.actions)
        assert joined.decision_starts.tolist() == list(range(0, played.steps, STEPS))
        np.testing.assert_array_equal(joined.extras, np.stack(played.extras))
        assert (joined.terminated, joined.success) == (played.success, played.success)


def test_an_episode_at_the_time_limit_is_truncated_and_a_success_terminates(bench, lanes):
    policy = Reaching(bench.contract)
    (cut,) = play(lanes(1, time_limit=4), policy, [1])
    last = cut.transitions('x')[-1]
    assert (cut.steps, last.truncated, last.terminated) == (4, True, False)
    (won,) = play(lanes(1), policy, [1])
    last = won.transitions('x')[-1]
    assert won.success
    assert (last.truncated, last.terminated, last.success) == (False, True, True)
    assert won.rewards[-1] == 1.0
    assert sum(won.rewards) == 1.0


def test_one_round_may_have_a_shorter_time_limit_than_the_others(bench, lanes):
    policy, pair = Reaching(bench.contract), lanes(2, time_limit=10)
    for played in play(pair, policy, [1, 2], time_limit=4):
        last = played.transitions('x')[-1]
        assert (played.steps, last.truncated, last.terminated) == (4, True, False)
    assert [played.steps for played in play(pair, policy, [1, 2])] == [10, 10]
    assert [played.steps for played in play(pair, policy, [1, 2], time_limit=99)] == [10, 10]


def test_noise_is_added_to_the_actions_of_its_own_lane(bench, lanes):
    policy, pair = Reaching(bench.contract), lanes(2, time_limit=6)
    config = ExplorationConfig(scale=0.2)

    def noise():
        return [ExplorationNoise(config, 4, seed) for seed in (8, 9)]

    plain, noisy = play(pair, policy, [1, 1]), play(pair, policy, [1, 1], noise=noise())
    expected = np.stack(plain[0].actions[:STEPS])
    for played, each in zip(noisy, noise()):
        np.testing.assert_allclose(
            np.stack(played.actions[:STEPS]),
            np.clip(expected + each.chunk(STEPS), -1, 1), atol=1e-6)
    assert not np.array_equal(noisy[0].actions, noisy[1].actions)


def test_evaluation_starts_in_the_same_states_for_every_policy(bench, lanes):
    pair, starts = lanes(2), []

    class Watching(Reaching):
        def decide(self, observations, *rest):
            if self.fresh:
                starts[-1].append(observations.state.numpy().copy())
            self.fresh = False
            return super().decide(observations, *rest)

        def begin(self, number):
            self.fresh = True
            return super().begin(number)

    for gain in (10.0, 0.0):
        starts.append([])
        policy = Watching(bench.contract)
        policy.gain.data.fill_(gain)
        outcomes, returns = evaluate(pair, policy, Evaluation(episodes=3))
        assert outcomes == [gain > 0.0] * 3
        assert returns == [float(gain > 0.0)] * 3
    for one, other in zip(*starts, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(np.unique(np.concatenate(starts[0]), axis=0)) == 3


def test_an_action_that_cannot_be_executed_raises_an_error(bench, lanes):
    class Broken(Reaching):
        def decide(self, *rest):
            decision = super().decide(*rest)
            return Decision(decision.actions * float('nan'), decision.extras)

    with pytest.raises(ValueError, match='not finite'):
        play(lanes(1), Broken(bench.contract), [1])
