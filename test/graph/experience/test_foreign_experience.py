# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Foreign records, events, transitions and acknowledgements block no experience in the graph."""

from inril_ros.msg import EpisodeEvent, Transition, TransitionAck
from played_arm import CONTRACT, RUN
import pytest
from rclpy.serialization import serialize_message
from recorder_learner_lab import laboratory

from inril_ros.nodes.base import qos
from inril_ros.transport.journal.journal import Journal

FORMER = 6  # records that the journal begins with
SEEN, MOVED = CONTRACT.observation_size, CONTRACT.action_size


def transition(number, **changed):
    """Return a transition of one step, whole enough to be learned from."""
    return Transition(**{
        'run_id': RUN, 'contract_hash': CONTRACT.hash, 'episode_id': 'forged', 'steps': 1,
        'sequence': number, 'previous_sequence': number - 1, 'observation_size': SEEN,
        'action_size': MOVED, 'observations': [0.0] * 2 * SEEN, 'requested': [0.0] * MOVED,
        'executed': [0.0] * MOVED, 'rewards': [0.0], 'source': [1], **changed})


@pytest.fixture(scope='module')
def lab(tmp_path_factory):
    """A lab whose journal another run, and this one under another contract, have begun."""
    folder = tmp_path_factory.mktemp('foreign')
    journal = Journal(folder / 'journal', 'std_msgs/msg/String', 'string data')
    for number in range(1, FORMER + 1):
        changed = {'run_id': 'former'} if number % 2 else {'contract_hash': 'f' * 64}
        journal.append(number, 0, serialize_message(
            transition(number, episode_id=f'former{number}', **changed)))
    journal.close()
    with laboratory(folder) as lab:
        yield lab


def test_records_of_another_run_or_contract_are_acknowledged_and_those_behind_them_learned(lab):
    lab.run(10)
    lab.wait_learner_has_all()
    records = lab.journal()
    assert len(records) == FORMER + 3
    assert (lab.learner.transitions, lab.learner.env_steps) == (3, 10)
    log = lab.supervisor.log_path('recorder_node').read_text()
    assert 'transition 1 is not learned from: of run former' in log
    assert 'transition 2 is not learned from: made under contract ffffffffffff' in log


def test_events_of_another_run_leave_the_running_episode_alone(lab):
    number, episode = len(lab.journal()), lab.episode(10)
    lab.player.play([*episode.opening(), *episode.steps(5)])
    for kind in (EpisodeEvent.RESETTING, EpisodeEvent.STARTED, EpisodeEvent.ENDED):
        for changed in ({'run_id': 'another'}, {'contract_hash': 'f' * 64}, {'outcome': 99}):
            lab.player.play([('episode/event', EpisodeEvent(**{
                'run_id': RUN, 'contract_hash': CONTRACT.hash, 'episode_id': episode.id,
                'event': kind, 'purpose': episode.purpose, 'outcome': EpisodeEvent.ABORTED,
                **changed}))])
    lab.player.play([*episode.steps(5, 10), *episode.closing()])
    lab.wait_saved(episode)
    lab.wait_learner_has_all()
    assert {record.episode_id for record in lab.journal()[number:]} == {episode.id}


def test_wild_acknowledgements_withhold_nothing(lab):
    acknowledgements = lab.player.publisher(TransitionAck, 'transition_ack', qos.EXPERIENCE)
    lab.player.until(acknowledgements.get_subscription_count, 'the recorder')
    for sequence in (2 ** 33, 2 ** 63, 2 ** 64 - 1):
        acknowledgements.publish(TransitionAck(run_id=RUN, sequence=sequence,
                                               kept_sequence=sequence))
    log = lab.supervisor.log_path('recorder_node')
    lab.player.until(lambda: f'{2 ** 64 - 1}, and the journal has them' in log.read_text(),
                     'the refusal')
    number = len(lab.journal())
    lab.run(10)
    lab.wait_learner_has_all()
    assert len(lab.journal()) == number + 3
    lab.player._node.destroy_publisher(acknowledgements)


def test_transitions_with_wild_numbers_make_no_genuine_one_a_duplicate(lab):
    number, steps, transitions = (
        len(lab.journal()), lab.learner.env_steps, lab.learner.transitions)
    lab.repeat([transition(2 ** 64 - 1, previous_sequence=number),
                transition(number + 1000, previous_sequence=number)])
    lab.player.until(lambda: lab.learner.sequence == number + 1000, lambda: f'{lab.learner}')
    lab.run(10)
    lab.wait_learner_has_all()
    assert len(lab.journal()) == number + 3
    assert lab.learner.transitions == transitions + 1 + 3  # one was forged well enough
    assert lab.learner.env_steps == steps + 1 + 10
    lab.kill('recorder_node')
    lab.restart_recorder()
    lab.run(5)
    lab.wait_learner_has_all()
