# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the recorder sees of a dry run is marked, and never kept nor learned from."""

from configured_node import configured, written
from inril_ros.msg import EpisodeEvent, EpisodeRequest
import pytest
from small_arm import (
    CONTRACT,
    DESCRIPTION,
    executed,
    executed_message,
    observations,
    outcome_message,
    serialised,
    START,
    TICK,
)

from inril_ros.data.bags.metadata import read_metadata
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.nodes.recorder_node import RecorderNode
from inril_ros.robot.motion.tick import DRY_RUN
from inril_ros.transport.journal.journal import read_journal

TICKS = 6
SAVED, DISCARDED = EpisodeEvent.SAVED, EpisodeEvent.DISCARDED


@pytest.fixture
def play(tmp_path):
    """Return what plays an episode of a purpose into a recorder, and returns its verdicts."""
    with configured(
            RecorderNode, written(DESCRIPTION, tmp_path), run_id='r', lockstep=False, settle=0.0,
            journal=str(tmp_path / 'journal'), demonstrations=str(tmp_path / 'demos')) as node:
        verdicts = []
        node._report._events.publish = verdicts.append

        def event(kind, purpose, tick=0, outcome=EpisodeEvent.UNKNOWN):
            message = EpisodeEvent(
                run_id='r', contract_hash=CONTRACT.hash, episode_id='e1', event=kind,
                purpose=purpose, tick=tick, outcome=outcome)
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(
                START + tick * TICK, 10 ** 9)
            node._on_event(message)

        def episode(purpose, dry_from):
            event(EpisodeEvent.RESETTING, purpose)
            event(EpisodeEvent.STARTED, purpose)
            for tick in range(TICKS + 1):
                for topic, message in [*observations(START + tick * TICK),
                                       ('outcome', outcome_message(START + tick * TICK))]:
                    node._on_message(topic, message.__msgtype__, serialised(message))
                if tick < TICKS:
                    message = executed_message(executed(tick))
                    if tick >= dry_from:
                        message.reasons.append(DRY_RUN)
                    node._on_message('executed_action', message.__msgtype__, serialised(message))
            event(EpisodeEvent.ENDED, purpose, TICKS, EpisodeEvent.SUCCESS)
            node._check_progress()
            return verdicts
        yield episode


def test_a_demonstration_of_a_dry_run_is_marked_and_not_kept(play, tmp_path):
    (verdict,) = play(EpisodeRequest.DEMONSTRATION, dry_from=0)
    assert verdict.event == DISCARDED
    assert 'recorded in a dry run: nothing was sent to the robot' in verdict.reason
    (listed,) = list_demonstrations(tmp_path / 'demos')
    assert (listed.state, listed.path.parent.name, listed.outcome) == (
        'dry run', 'rejected', 'success')
    assert 'dry run' in listed.note
    mark = read_metadata(listed.path / 'metadata.yaml')['custom_data']['dry_run']
    assert mark == 'true'


def test_a_demonstration_whose_arm_was_commanded_has_no_mark(play, tmp_path):
    (verdict,) = play(EpisodeRequest.DEMONSTRATION, dry_from=TICKS)
    assert verdict.event == SAVED
    (listed,) = list_demonstrations(tmp_path / 'demos')
    assert listed.state == 'kept'
    assert 'dry_run' not in read_metadata(listed.path / 'metadata.yaml')['custom_data']


def test_nothing_of_a_dry_rollout_reaches_the_learner(play, tmp_path):
    (verdict,) = play(EpisodeRequest.ROLLOUT, dry_from=0)
    assert (verdict.event, verdict.sequence) == (DISCARDED, 0)
    assert 'dry run' in verdict.reason
    assert list(read_journal(tmp_path / 'journal')) == []
