# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Events of other runs, and events that nobody of this run sends, change nothing in the nodes."""

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

from configured_node import configured
from inril_ros.msg import EpisodeEvent, EpisodeRequest, Outcome, Transition
import pytest

from inril_ros.nodes.actuation_node import ActuationNode
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.nodes.policy_node import PolicyNode
from inril_ros.nodes.recorder_node import RecorderNode
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.episode import Purpose, Request
from inril_ros.transport.journal import segments
from inril_ros.transport.journal.journal import read_journal

PATH = Path(__file__).parents[3] / 'config' / 'robots' / 'metaworld_sawyer.yaml'
CONTRACT, RUN = load_contract(PATH), 'this-run'
RESETTING, STARTED, ENDED = EpisodeEvent.RESETTING, EpisodeEvent.STARTED, EpisodeEvent.ENDED
FOREIGN = [{'run_id': 'another'}, {'run_id': ''}, {'contract_hash': 'f' * 64},
           {'contract_hash': ''}, {'episode_id': ''}, {'episode_id': '../../x'},
           {'episode_id': 'e' * 10 ** 5}, {'outcome': 77}]


def event(kind, **changed):
    return EpisodeEvent(**{
        'run_id': RUN, 'contract_hash': CONTRACT.hash, 'episode_id': 'ours', 'event': kind,
        'purpose': EpisodeRequest.ROLLOUT, **changed})


def refuse(node, kind, **changed):
    """Give a node an event that it must refuse; the guard of its subscriptions counts that."""
    with pytest.raises(MessageRefused) as refusal:
        node._on_event(event(kind, **changed))
    assert len(str(refusal.value)) < 200


@pytest.fixture
def made():
    """Return what makes a node of a class, with parameters, for the length of a test."""
    with ExitStack() as stack:
        yield lambda kind, **parameters: stack.enter_context(
            configured(kind, PATH, run_id=RUN, lockstep=True, **parameters))


def test_the_recorder_begins_and_ends_no_episode_by_a_foreign_event(made, tmp_path):
    recorder = made(RecorderNode, journal=str(tmp_path / 'journal'),
                          demonstrations=str(tmp_path / 'demonstrations'))
    verdicts = []
    recorder._report._events.publish = verdicts.append
    for changed in FOREIGN:
        refuse(recorder, RESETTING, **changed)
        refuse(recorder, RESETTING, purpose=EpisodeRequest.DEMONSTRATION, **changed)
        assert recorder._episode is None
        assert not (tmp_path / 'demonstrations').exists()
    recorder._on_event(event(RESETTING))
    running = recorder._episode
    recorder._on_event(event(STARTED))
    for changed in FOREIGN:
        for kind in (RESETTING, STARTED, ENDED):
            for outcome in (EpisodeEvent.ABORTED, EpisodeEvent.SUCCESS):
                refuse(recorder, kind, **{'outcome': outcome, **changed})
    assert recorder._episode is running and running.end is None and not verdicts
    recorder._on_event(event(ENDED, outcome=EpisodeEvent.ABORTED))
    assert recorder._episode is None
    assert [each.event for each in verdicts] == [EpisodeEvent.DISCARDED]


def test_a_transition_that_cannot_be_journaled_costs_its_episode(
        made, tmp_path, monkeypatch):
    """It is larger than a reader accepts. Another one has a time before 1970: it is journaled."""
    monkeypatch.setattr(segments, 'RECORD_LIMIT', segments._ROOM + 500)
    recorder = made(RecorderNode, journal=str(tmp_path / 'journal'))
    for size, number in ((10, 1), (1000, 2), (10, 3)):
        recorder._on_event(event(RESETTING, episode_id=f'e{number}'))
        episode = recorder._episode
        episode.assembler.ready = lambda until: [SimpleNamespace(stamp=-1)]
        episode.transition = lambda decision, header, size=size: Transition(
            header=header, run_id=RUN, image_data=bytes(size), terminated=True)
        recorder._advance(episode)
        assert (recorder._episode is episode) == (size == 10)
    assert [number for number, _ in read_journal(tmp_path / 'journal')] == [1, 2, 3]


def test_the_policy_goes_on_with_its_episode_whatever_foreign_events_come(made):
    policy = made(PolicyNode)
    policy._on_event(event(STARTED))
    running = policy._episode
    for changed in FOREIGN:
        for kind in (RESETTING, STARTED, ENDED):
            refuse(policy, kind, **changed)
        assert policy._episode is running
    policy._on_event(event(ENDED))
    assert policy._episode is None


def test_the_arm_moves_for_no_other_run_and_a_strange_verdict_is_ignored(made):
    actuation = made(ActuationNode)
    life, answers = actuation._life, []
    life._events.publish = answers.append
    life._on_request(EpisodeRequest(run_id='another', episode_id='e', purpose=2))
    life._on_request(EpisodeRequest(run_id=RUN, episode_id='../../x', purpose=2))
    with pytest.raises(MessageRefused, match='purpose 99 is unknown'):
        life._on_request(EpisodeRequest(run_id=RUN, episode_id='e', purpose=99))
    assert [each.event for each in answers] == [EpisodeEvent.REFUSED] * 2
    assert answers[0].reason == f'of run another, this is run {RUN}'
    assert answers[1].reason == "episode_id '../../x' is no UUID"
    life._on_request(EpisodeRequest(episode_id='e', purpose=2))  # of the run that is here
    assert answers[2].run_id == RUN and 'of run' not in answers[2].reason
    with pytest.raises(MessageRefused, match='outcome 200 is unknown'):
        life.verdicts._on_verdict(Outcome(outcome=200))
    assert not life.verdicts._outcomes


def test_a_flood_of_verdicts_before_an_episode_needs_no_memory_and_the_newest_stay(made):
    actuation = made(ActuationNode)
    life, topic = actuation._life, CONTRACT.episode.outcome_topic
    life.machine.begin_reset(Request(RUN, 'e', Purpose.ROLLOUT))
    for second in range(1000):
        verdict = Outcome(outcome=Outcome.SUCCESS)
        verdict.header.stamp.sec = second
        life.verdicts._on_verdict(verdict)
    outcomes = life.verdicts._outcomes
    assert len(outcomes) <= 100 and 999_000_000_000 in outcomes
    assert actuation.refused.count(topic) == 900
