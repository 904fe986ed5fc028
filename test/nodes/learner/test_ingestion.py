# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner takes each transition once, and none blocks those behind it."""

from types import SimpleNamespace

from hand_arm import CONTRACT
from hypothesis import given, settings
from hypothesis import strategies as st
from inril_ros.msg import EpisodeEvent, ExecutedAction, Transition
import numpy as np
import pytest

from inril_ros.learning.episode_intake import EpisodeIntake
from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.hosts.values.possible_returns import RewardsOutOfRangeError
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.nodes.base.refused_messages import RefusedMessages
from inril_ros.nodes.learner.ingestion import Ingestion, MOST_OUT_OF_RANGE
from inril_ros.nodes.learner.robot_connection import RobotConnection
from inril_ros.transport.journal.ledger import IngestLedger, Verdict

RUN = 'this-run'
STEPS = 4  # of a transition


def message(number, episode='e0', first=0, last=False, **changed):
    """Return a transition as the recorder sends it."""
    ticks = np.arange(first, first + STEPS + 1, dtype=np.float32)
    return Transition(**{
        'run_id': RUN, 'contract_hash': CONTRACT.hash, 'episode_id': episode,
        'sequence': number, 'previous_sequence': number - 1, 'first_tick': first, 'steps': STEPS,
        'observation_size': 3, 'action_size': 3, 'observations': np.repeat(ticks, 3).tolist(),
        'executed': [0.0] * 3 * STEPS, 'rewards': [0.0] * STEPS,
        'source': [ExecutedAction.POLICY] * STEPS, 'terminated': last,
        'outcome': EpisodeEvent.FAILURE if last else 0, **changed})


def episodes(number):
    """Return the transitions of episodes of three, numbered from 1."""
    return [message(1 + 3 * episode + part, f'e{episode}', STEPS * part, part == 2)
            for episode in range(number) for part in range(3)]


def end_of(number, episode):
    """Return the end that the recorder sends in the place of what can't be taken."""
    return Transition(run_id=RUN, contract_hash=CONTRACT.hash, episode_id=episode, sequence=number,
                      previous_sequence=number - 1, truncated=True, outcome=EpisodeEvent.ABORTED)


class Node:
    """What ingestion needs of the learner node; it also makes no real topics."""

    run_id, contract = RUN, CONTRACT

    def __init__(self):
        self.log = []
        self.refused = RefusedMessages(self.log.append, lambda: 0.0)

    def get_logger(self):
        """Return a logger that keeps what it gets."""
        def keep(text, **throttle):
            self.log.append(text)
        return SimpleNamespace(error=keep, warning=keep)

    def create_publisher(self, *arguments, **named):
        return SimpleNamespace(publish=lambda sent: None)

    create_subscription = create_publisher


class Learner:
    """Ingestion into a real session."""

    def __init__(self, sequence=0):
        shown = Episode(np.zeros((9, 3)), np.zeros((8, 3)), np.zeros(8), True, True)
        self.session = FineTuningSession(
            SessionConfig(host=IDQLConfig(batch=8)), BestOfN(ModelConfig(
                3, 3, actor_width=8, critic_width=8)), [shown, shown], 0, 'cpu')
        self.node, self.now = Node(), 100.0
        self.robot = RobotConnection(
            self.node, 'left', '/left', IngestLedger(sequence), None, None, None,
            lambda: self.now)
        self.ingestion = Ingestion(self.node, self.session, lambda: None)

    def receive(self, messages):
        return [self.ingestion.receive(self.robot, each) for each in messages]

    @property
    def has(self):
        """Number up to which it has everything, and the number of transitions."""
        return self.robot.ledger.sequence, self.session.intake.transitions


def test_transitions_are_taken_once_and_in_order():
    learner, sent = Learner(), episodes(2)
    assert learner.receive([*sent[:3], sent[5], sent[2], *sent[3:]]) == [
        *[Verdict.NEW] * 3, Verdict.EARLY, Verdict.DUPLICATE, *[Verdict.NEW] * 3]
    assert learner.has == (6, 6) and learner.session.intake.episodes == 2


@pytest.mark.parametrize(('changed', 'words'), [
    ({'run_id': 'another'}, 'of run another, this is run this-run'),
    ({'run_id': ''}, 'of run without a name'), ({'contract_hash': 'f' * 64}, 'contract ffffff'),
    ({'episode_id': ''}, 'is no UUID'), ({'episode_id': '../' * 9}, 'is no UUID'),
    ({'episode_id': 'e' * 10 ** 6}, 'is no UUID'), ({'outcome': 200}, 'outcome 200 is unknown'),
    ({'sequence': 2 ** 64 - 1}, 'too far beyond 3'), ({'sequence': 2 ** 40}, 'too far beyond 3')])
def test_what_does_not_belong_here_is_refused_for_a_while_and_blocks_nothing(changed, words):
    learner, sent = Learner(), episodes(2)
    learner.receive(sent[:3])
    stranger = message(4, 'e9', **changed)
    assert learner.receive([stranger])[0] in (None, Verdict.WRONG)
    assert learner.has == (3, 3) and learner.node.refused.count('/left/transition') == 1
    assert words in learner.robot.refusal and words in learner.node.log[-1]
    assert len(learner.node.log[-1]) < 300
    learner.now += 10.0  # ~/ready no longer names it, though no genuine transition came
    assert not learner.robot.refusal
    assert learner.receive(sent[3:]) == [Verdict.NEW] * 3
    assert learner.has == (6, 6)


@pytest.mark.parametrize('changed', [
    {'executed': [float('nan')] * 3 * STEPS}, {'observation_size': 4}, {'steps': 2 ** 32 - 1},
    {'steps': 0}, {'rewards': []}, {'executed': [9.0] * 3 * STEPS}, {'image_rows': [7] * 5},
    {'observations': [float('inf')] * 3 * (STEPS + 1)}, {'extras': [float('nan')]}])
def test_one_that_cannot_be_learned_from_costs_its_episode_and_is_acknowledged(changed):
    learner, sent = Learner(), episodes(2)
    bad = message(2, 'e0', STEPS, **changed)
    assert learner.receive([sent[0], bad, *sent[2:], bad]) == [
        *[Verdict.NEW] * 6, Verdict.DUPLICATE]
    assert learner.robot.ledger.sequence == 6 and learner.session.intake.episodes == 1
    assert learner.robot.untaken == 1 and learner.robot.account['transitions not learned from']
    assert 'episode e0 given up at transition 2' in learner.node.log[0]


def test_an_episode_whose_last_steps_never_came_is_learned_from_up_to_there():
    learner, sent = Learner(), episodes(2)
    cut = message(3, 'e0', 2 * STEPS, steps=0, truncated=True, outcome=EpisodeEvent.TIME_LIMIT)
    assert learner.receive([*sent[:2], cut, *sent[3:]]) == [Verdict.NEW] * 6
    assert learner.session.intake.episodes == 2 and learner.session.env_steps == 5 * STEPS
    assert learner.session.host.replay.stored[-2].steps == 2 * STEPS
    assert learner.robot.untaken == 0


def test_the_end_that_stands_for_a_record_is_taken_like_one():
    learner, sent = Learner(), episodes(2)
    assert learner.receive([*sent[:2], end_of(3, 'e0'), end_of(3, 'e0'), *sent[3:]]) == [
        *[Verdict.NEW] * 3, Verdict.DUPLICATE, *[Verdict.NEW] * 3]
    assert learner.robot.ledger.sequence == 6 and learner.session.intake.episodes == 1
    assert not learner.session.intake.open_episodes


@pytest.mark.parametrize('wrong', [5, 7, 1000, 2 ** 32])
def test_genuine_transitions_are_taken_after_one_with_a_wrong_number(wrong):
    learner, sent = Learner(), episodes(3)
    learner.receive(sent[:4])
    learner.receive([message(wrong, 'forged', previous_sequence=4)])
    assert learner.robot.ledger.sequence == wrong
    learner.receive([*sent[2:], *sent])  # some of them again
    assert learner.has == (9, 10) and learner.session.intake.episodes == 3
    assert learner.robot.ledger.restarts == 1
    assert f'the last one had number {wrong}' in learner.node.log[0]


def test_an_episode_that_ends_after_a_wrong_number_is_forgotten():
    learner, sent = Learner(), episodes(2)
    learner.receive([*sent[:2], message(50, 'forged', previous_sequence=2), end_of(3, 'e0')])
    assert learner.robot.ledger.sequence == 3 and not learner.session.intake.is_open('e0')
    learner.receive([end_of(3, 'e0'), *sent[3:]])
    assert learner.robot.ledger.sequence == 6 and learner.session.intake.episodes == 1


def test_the_experience_of_a_new_journal_is_taken_from_its_beginning():
    learner = Learner(sequence=300)
    assert learner.receive(episodes(2)) == [Verdict.NEW] * 6
    assert learner.has == (6, 6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(
    st.integers(0, 8), st.tuples(st.integers(0, 2 ** 64 - 1), st.integers(0, 2 ** 64 - 1)),
    st.tuples(st.integers(1, 30), st.integers(0, 30))), max_size=12))
def test_whatever_numbers_come_every_genuine_transition_is_learned_once(events):
    """Forged ones of another episode come in between; the recorder sends until all is there."""
    learner, sent = Learner(), episodes(3)
    for index, event in enumerate(events):
        learner.receive([sent[event]] if isinstance(event, int) else [message(
            event[0], f'forged{index}', previous_sequence=event[1])])
    acknowledged = 0
    for _ in range(len(sent) + 2):
        for each in sent[acknowledged:]:
            learner.receive([each])
            if learner.robot.ledger.sequence <= len(sent):  # what was never sent is not believed
                acknowledged = learner.robot.ledger.sequence
    assert acknowledged == len(sent)
    assert learner.session.intake.episodes == 3 and learner.session.intake.gaps == 0


class Refusing:
    """A session whose episodes all have rewards out of range, beside ``episodes`` that don't."""

    longest_episode = None

    def __init__(self, episodes):
        self.intake, self.abandoned = EpisodeIntake((2, 2), None, lambda name, episode: None), []
        self.intake.episodes = episodes

    def ingest(self, experience):
        raise RewardsOutOfRangeError('set lowest_value')

    def abandon(self, episode):
        self.abandoned.append(episode)


@pytest.mark.parametrize('good', [0, 1])
def test_rewards_out_of_range_end_the_learner_only_if_no_episode_has_others(good):
    learner = Learner()
    session = Refusing(good)
    learner.ingestion = Ingestion(learner.node, session, lambda: None)
    odd = [message(number, f'e{number}', last=True) for number in range(1, 9)]
    assert learner.receive(odd[:MOST_OUT_OF_RANGE - 1]) == [Verdict.NEW] * 2
    assert session.abandoned == ['e1', 'e2'] and 'set lowest_value' in learner.node.log[0]
    if good:
        assert learner.receive(odd[2:]) == [Verdict.NEW] * 6
    else:
        with pytest.raises(RewardsOutOfRangeError, match='set lowest_value'):
            learner.receive(odd[2:])
