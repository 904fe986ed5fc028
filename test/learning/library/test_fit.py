# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The library's page: its 20 lines run, and what they give is what the nodes load."""
from __future__ import annotations

import ast
from contextlib import closing
from pathlib import Path
import re
import subprocess
import sys
from types import SimpleNamespace

from doors import demonstrations, Doors, TASK
import gymnasium
import numpy as np
import pytest
import torch

from inril_ros.bench.robots import bench_of
from inril_ros.bench.task import Task
from inril_ros.bench.vectorised import Lanes
from inril_ros.learning import (
    ActionBounds,
    Actor,
    clone,
    Demonstration,
    evaluate,
    fit,
    FitConfig,
    load_policy,
    PretrainConfig,
    Progress,
    ProgressLines,
    SessionConfig,
    Success,
)
from inril_ros.learning.exploration import ExplorationConfig, ExplorationNoise
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.library.demonstrations import learning_episodes
from inril_ros.learning.library.environment import EnvironmentLane
from inril_ros.learning.library.playing import play
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.nodes.weights.policy_trial import PolicyTrial

PAGE = Path(__file__).resolve().parents[3] / 'docs/how_to/library'
QUICK = FitConfig(
    env_steps=500, evaluate_every=500, device='cpu', model={'actor_width': 64, 'critic_width': 64},
    cloning=PretrainConfig(steps=300, batch=64),
    session=SessionConfig(imitation_batch=32, host=IDQLConfig(
        warmup_steps=100, warmup_updates=150, batch=64)))
TINY = FitConfig(
    env_steps=30, evaluate_every=20, evaluation_episodes=2, device='cpu',
    model={'actor_width': 8, 'critic_width': 8}, cloning=PretrainConfig(steps=2, batch=8),
    session=SessionConfig(imitation_batch=8, host=IDQLConfig(
        warmup_steps=10, warmup_updates=1, batch=8, updates_per_step=0.1)))


def silent(progress):
    pass


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    """The names that the page's 20 lines leave, run with settings that take seconds."""
    folder = tmp_path_factory.mktemp('page')
    shown = demonstrations()
    np.savez(folder / 'demonstrations.npz', success=[each.success for each in shown],
             **{f'observations_{n}': each.observations for n, each in enumerate(shown)},
             **{f'actions_{n}': each.actions for n, each in enumerate(shown)})
    code = (PAGE / 'fine_tune.py').read_text(encoding='utf-8')
    assert len(code[code.index('import gymnasium'):].splitlines()) == 20
    for there, here in (('MyTask-v0', TASK), ('FitConfig(env_steps=20_000)', 'QUICK'),
                        ("'my_policy'", f'{str(folder / "my_policy")!r}'),
                        ("'demonstrations.npz'", f'{str(folder / "demonstrations.npz")!r}')):
        assert there in code
        code = code.replace(there, here)
    names = {'QUICK': QUICK}
    exec(compile(code, 'fine_tune.py', 'exec'), names)
    return {**names, 'folder': folder / 'my_policy'}


def test_the_page_s_lines_find_a_policy_that_beats_the_clone(page):
    before, after = page['fitted'].evaluations
    assert before.env_steps == 0 and 500 <= after.env_steps < 520
    assert before.episodes == after.episodes == 50
    assert before.rate < 0.75  # who doesn't look at the cue succeeds half of the time
    assert after.rate > 0.85
    assert after.interval[0] > before.rate
    assert page['terminated']  # the loop of one's own acted until the hand went through a door


def test_a_saved_policy_acts_as_the_one_that_was_saved(page):
    env = gymnasium.make(TASK)
    kept, loaded = Actor(page['fitted'].policy, env), Actor(load_policy(page['folder']), env)
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        kept.reset()
        loaded.reset()
        ended = False
        while not ended:
            action = kept(observation)
            np.testing.assert_array_equal(action, loaded(observation))
            observation, _, ended, _, _ = env.step(action)
    assert evaluate(env, load_policy(page['folder'])).successes \
        == page['fitted'].evaluations[-1].successes


def test_a_saved_policy_is_loaded_by_the_policy_node_and_succeeds_by_its_contract(page):
    bench = bench_of(Task(id=TASK, simulation='gymnasium'))
    tried = PolicyTrial(bench.contract, None, 0.0, lambda: None).load_from_disk(page['folder'])
    with closing(Lanes(bench.open, bench.contract, bench.time_limit, 20)) as lanes:
        played = lanes.play(tried.policy, range(20), torch.Generator().manual_seed(0))
    assert sum(each.success for each in played) >= 17


def test_an_episode_is_the_one_that_a_study_plays(page):
    bench, lane = bench_of(Task(id=TASK, simulation='gymnasium')), EnvironmentLane(
        gymnasium.make(TASK))
    policy = page['fitted'].session.policy

    def drawn(seed):
        return {'explore': True, 'noise': [ExplorationNoise(ExplorationConfig(), 1, seed)]}

    with closing(Lanes(bench.open, bench.contract, bench.time_limit, 1)) as lanes:
        for seed in range(5):
            (there,) = lanes.play(policy, [seed], torch.Generator().manual_seed(seed),
                                  **drawn(seed))
            lane.begin(seed)
            (here,) = play([lane], policy, torch.Generator().manual_seed(seed), **drawn(seed))
            assert (here.outcome, here.rewards) == (there.outcome, there.rewards)
            np.testing.assert_allclose(here.observations, there.observations, atol=1e-6)
            np.testing.assert_allclose(here.actions, there.actions, atol=1e-6)


def test_an_actor_forgets_the_plan_of_the_episode_before(page, monkeypatch):
    policy, decisions = load_policy(page['folder']), []
    decide = policy.decide
    monkeypatch.setattr(policy, 'decide', lambda *arguments, **more: decisions.append(1) or decide(
        *arguments, **more))
    actor = Actor(policy, gymnasium.make(TASK))
    for _ in range(policy.config.chunk_length - 1):
        actor(np.zeros(2, np.float32))
    assert len(decisions) == 1
    actor.reset()
    actor(np.zeros(2, np.float32))
    assert len(decisions) == 2


def test_the_policy_explores_while_it_learns_and_not_while_it_is_evaluated(monkeypatch):
    explored, decide = [], BestOfN.decide
    monkeypatch.setattr(BestOfN, 'decide', lambda self, seen, memory, generator, explore: (
        explored.append(explore) or decide(self, seen, memory, generator, explore)))
    by_part = {}

    def watch(progress):
        by_part.setdefault(progress.doing, set()).update(explored)
        explored.clear()

    fit(gymnasium.make(TASK), demonstrations(4), TINY, watch=watch)
    assert by_part == {'cloning': set(), 'evaluating': {False}, 'fine-tuning': {True}}


def test_the_same_seed_gives_the_same_policy():
    env, shown = gymnasium.make(TASK), demonstrations(4)
    first, second = (fit(env, shown, TINY, watch=silent) for _ in range(2))
    assert first.evaluations == second.evaluations
    for one, other in zip(first.policy.parameters(), second.policy.parameters(), strict=True):
        assert torch.equal(one, other)
    assert first.session.rl_updates > 0


def test_progress_tells_of_each_part_and_of_each_evaluation():
    told = []
    fitted = fit(gymnasium.make(TASK), demonstrations(4), TINY, watch=told.append)
    assert list(dict.fromkeys(each.doing for each in told)) == [
        'cloning', 'evaluating', 'fine-tuning']
    assert all(0 < each.done <= each.total for each in told)
    assert [each.success for each in told if each.success] == list(fitted.evaluations)
    assert told[-2].metrics is None and 'episodes' in str(told[-2])


def test_lines_are_printed_for_results_at_once_and_for_progress_every_two_seconds():
    said, now = [], [0.0]
    lines = ProgressLines(say=lambda progress: said.append(str(progress)), clock=lambda: now[0])
    for second in (0.5, 1.9, 2.0, 3.9, 4.0):
        now[0] = second
        lines(Progress('cloning', int(10 * second), 50))
    assert said == ['cloning: 20 of 50 gradient steps', 'cloning: 40 of 50 gradient steps']
    lines(Progress('evaluating', 50, 50, success=Success(40, 50, 0.8, 1000)))
    assert said[-1] == '1000 steps: success 80% [67%, 89%], 40 of 50 episodes'


def test_demonstrations_are_cloned_from_arrays_alone():
    shown = demonstrations(4)
    cloned = clone(shown, Doors.action_space, TINY, watch=silent)
    assert cloned.policy.config.observation_size == 2
    fitted = fit(gymnasium.make(TASK), shown, TINY, cloned=cloned, watch=silent)
    assert fitted.cloned is cloned


class Told(gymnasium.Wrapper):
    """The task with another `info`."""

    def __init__(self, info):
        super().__init__(gymnasium.make(TASK))
        self._info = info

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated, truncated, self._info(info['is_success'])


def test_success_is_what_info_or_a_function_says_and_is_never_guessed(page):
    policy = page['fitted'].policy
    expected = evaluate(gymnasium.make(TASK), policy, 20)
    other = Told(lambda success: {'success': success})
    assert evaluate(other, policy, 20) == expected
    rule = {'succeeded': lambda info, reward, terminated: info['goal'] and terminated}
    assert evaluate(Told(lambda success: {'goal': success}), policy, 20, **rule) == expected
    with pytest.raises(ValueError, match=r"info has \['goal'\].*Give `succeeded`"):
        evaluate(Told(lambda success: {'goal': success}), policy, 20)


def test_an_environment_s_own_rewards_are_learned_from_if_asked_for():
    shown = [Demonstration(each.observations, each.actions, np.full(len(each.actions), -0.01))
             for each in demonstrations(4)]
    config = FitConfig(**{**vars(TINY), 'reward': 'environment'})
    with pytest.raises(ValueError, match='lowest_value'):
        fit(gymnasium.make(TASK), shown, config, watch=silent)
    host = IDQLConfig(**{**vars(TINY.session.host), 'lowest_value': -1.0})
    config = FitConfig(**{**vars(config), 'session': SessionConfig(imitation_batch=8, host=host)})
    fitted = fit(gymnasium.make(TASK), shown, config, watch=silent)
    assert -0.2 <= fitted.evaluations[-1].mean_return < 0.0


@pytest.mark.parametrize(('changes', 'complaint'), [
    ({'actions': np.full((5, 1), 0.5)}, r'demonstration 1: actions reach from .* beyond'),
    ({'actions': np.zeros((5, 2))}, r'demonstration 1: actions has shape \(5, 2\)'),
    ({'observations': np.zeros((7, 2))}, r'demonstration 1: observations has shape \(7, 2\)'),
    ({'observations': np.zeros((5, 3))}, r'demonstration 1: observations have 3 values')])
def test_demonstrations_that_do_not_fit_are_named(changes, complaint):
    right = {'observations': np.zeros((5, 2)), 'actions': np.zeros((5, 1))}
    with pytest.raises(ValueError, match=complaint):
        clone([Demonstration(**right), Demonstration(**{**right, **changes})],
              Doors.action_space, TINY, watch=silent)


@pytest.mark.parametrize(('settings', 'complaint'), [
    ({'env_steps': -1}, 'FitConfig.env_steps: -1 is not in'),
    ({'evaluate_every': 0}, 'FitConfig.evaluate_every: 0 is not in'),
    ({'time_limit': 0}, 'FitConfig.time_limit: 0 is not in'),
    ({'reward': 'dense'}, "FitConfig.reward: 'dense' is unknown; allowed are"),
    ({'model': {'kind': 'gaussian'}}, r"FitConfig.model: \['kind'\] follow from")])
def test_wrong_settings_are_refused_by_name(settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        FitConfig(**settings)


def test_what_a_data_set_does_not_say_is_not_made_up():
    bounds = ActionBounds.of(Doors.action_space)
    plain = {'observations': np.arange(10.0).reshape(5, 2), 'actions': np.zeros((5, 1)),
             'rewards': np.full(5, 0.3)}
    quiet, cut, ended = (SimpleNamespace(**plain, **more) for more in (
        {}, {'success': None, 'terminated': False},
        {'success': False, 'terminated': True, 'final_observation': np.ones(2)}))
    first, second, third = learning_episodes([quiet, cut, ended], bounds)
    for shown in (first, second):  # it shows success, which ends an episode
        assert shown.success and shown.terminated and shown.rewards.tolist() == [0, 0, 0, 0, 1]
        assert shown.is_observed.tolist() == [True] * 5 + [False]
    assert third.terminated and not third.success and not third.rewards.any()
    assert third.is_observed.all() and third.observations[-1].tolist() == [1, 1]

    first, second, third = learning_episodes([quiet, cut, ended], bounds, 'environment')
    assert [each.terminated for each in (first, second, third)] == [True, False, True]
    assert first.rewards.tolist() == pytest.approx([0.3] * 5)


def test_demonstrations_of_another_environment_are_refused_before_they_are_cloned():
    shown = [Demonstration(np.zeros((5, 3)), np.zeros((5, 1)))]
    with pytest.raises(ValueError, match='observations of 3 values, the environment observes 2'):
        fit(gymnasium.make(TASK), shown, TINY, watch=lambda progress: pytest.fail('cloned'))


def test_an_action_space_that_is_no_vector_is_refused():
    with pytest.raises(ValueError, match=r'Discrete\(3\); a Box'):
        clone(demonstrations(1), gymnasium.spaces.Discrete(3), TINY, watch=silent)


def test_the_library_is_imported_without_ros_and_without_the_command_line():
    program = ('import sys\nfrom inril_ros.learning import clone, fit, load_policy\n'
               'print(*{name.split(".")[0] for name in sys.modules})\n')
    loaded = subprocess.run([sys.executable, '-c', program], check=True, text=True,
                            stdout=subprocess.PIPE).stdout.split()
    assert 'torch' in loaded
    assert not {'rclpy', 'rich', 'typer', 'rosbags', 'mcap', 'pydantic', 'yaml', 'cv2',
                'gymnasium', 'mujoco', 'matplotlib', 'scipy'}.intersection(loaded)


def test_the_page_says_what_the_library_depends_on():
    """Read from its sources, imports in functions included."""
    room = PAGE.parents[2] / 'inril_ros/learning'
    found = set()
    for path in room.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [
                alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {name.partition('.')[0] for name in names}
    needed = found - set(sys.stdlib_module_names) - {'inril_ros'}
    text = (PAGE.parent / 'library.md').read_text(encoding='utf-8')
    stated = re.search(r'It needs (.*?)\.\n', text, re.DOTALL)[1]
    assert needed == set(re.findall(r'`(\w+)`', stated))
