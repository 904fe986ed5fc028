# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The list of episodes has each once, with what the files note and what was seen of it."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from inril_ros.msg import EpisodeEvent, ExecutedAction
from made_statuses import event, events

from inril_ros.console.episode_list import (
    EpisodeRow,
    EpisodesDriven,
    noted_episodes,
    together,
)
from inril_ros.console.pages.text import episodes_text
from inril_ros.data.run.run_directory import new_settings, RunDirectory

CONTRACT = Path(__file__).parents[2] / 'config' / 'robots' / 'mock_arm.yaml'
HOLD, POLICY, TELEOP = ExecutedAction.HOLD, ExecutedAction.POLICY, ExecutedAction.TELEOP


def action(source, episode='a', version=0):
    return ExecutedAction(episode_id=episode, source=source, weights_version=version)


def driven(*messages):
    seen = EpisodesDriven()
    for each in messages:
        (seen.on_action if isinstance(each, ExecutedAction) else seen.on_event)(each)
    return seen.rows


def test_who_drove_is_kept_in_turn_with_outcome_and_fate():
    row, = driven(
        event(EpisodeEvent.STARTED), action(POLICY, version=4), action(POLICY, version=4),
        action(TELEOP), action(HOLD), action(HOLD), action(POLICY, version=4),
        event(EpisodeEvent.ENDED, outcome=EpisodeEvent.SUCCESS, tick=6, reason='judged'),
        event(EpisodeEvent.SAVED, reason='journal'))
    assert row == EpisodeRow('a', 'rollout', 'success', 6, 1, (
        (POLICY, 2), (TELEOP, 1), (HOLD, 2), (POLICY, 1)), 4, 'kept', 'judged')


@given(st.lists(events | st.builds(action, st.sampled_from([HOLD, POLICY, TELEOP, 9]),
                                   st.sampled_from('ab')), max_size=40))
def test_any_order_of_messages_counts_each_tick_once_and_makes_a_table(messages):
    rows = driven(*messages)
    assert len({row.episode_id for row in rows}) == len(rows)
    for row in rows:
        assert all(ticks > 0 for _, ticks in row.drove)
        assert row.person_ticks == sum(n for source, n in row.drove if source == TELEOP)
        runs = [source for source, _ in row.drove]
        assert all(one != other for one, other in zip(runs, runs[1:], strict=False))
    assert episodes_text(rows, 0.1).count('<tr>') == len(rows) + 1


def test_actions_of_an_episode_whose_beginning_was_not_seen_make_no_row():
    assert driven(action(POLICY), event(EpisodeEvent.ENDED)) == ()


def test_the_files_and_what_was_seen_make_one_list_with_the_last_first():
    noted = [EpisodeRow('a', 'rollout', 'failure', 9, 0, (), 3, 'kept', 'why'),
             EpisodeRow('b', 'rollout', 'success', 5, 2, (), 3, 'kept')]
    seen = [EpisodeRow('b', 'rollout', 'success', 4, 2, ((POLICY, 2), (TELEOP, 2)), 3),
            EpisodeRow('c', 'rollout')]
    rows = together(noted, seen)
    assert [row.episode_id for row in rows] == ['c', 'b', 'a']
    assert (rows[1].fate, rows[1].ticks, rows[1].drove) == ('kept', 5, seen[0].drove)


def test_a_run_without_files_or_with_damaged_ones_has_no_episodes(tmp_path):
    run = RunDirectory.create(tmp_path / 'run', new_settings(
        'reach', 0, CONTRACT))
    assert noted_episodes(run) == []
    run.attempts.write_text('{"episode_id": "a", "outcome": "success", "ticks": 7}\n')
    assert noted_episodes(run) == [EpisodeRow('a', 'demonstration', 'success', 7)]
    run.attempts.write_text('no JSON\n')
    run.evaluation('pretrained').parent.mkdir()
    run.evaluation('pretrained').write_text('[]')
    assert noted_episodes(run) == []
