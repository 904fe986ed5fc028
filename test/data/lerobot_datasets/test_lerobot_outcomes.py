# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How an episode of a LeRobotDataset ended is what it says of success, not that it had rewards."""

from lerobot_files import arm, Files
import pytest
from synthetic_robot import bag_of, recording

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.data.lerobot.export import export_lerobot
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.options import LeRobotOptions
from inril_ros.robot.episode import EpisodeOutcome

DENSE = [0.1 * frame for frame in range(11)]
LAST = [frame in (5, 10) for frame in range(11)]
ONCE = [frame in (3, 4) for frame in range(11)]


def outcomes(folder, columns, **options):
    """Import; return the outcome of each episode and the sentence about them."""
    files, notes = Files(), []
    for name, values in columns.items():
        files.feature(name, values)
    import_lerobot(files.write(folder / 'set'), arm(), folder / 'demos',
                   LeRobotOptions(**options), notes.append)
    [sentence] = [note for note in notes if note.startswith('outcomes: ')]
    return [one.outcome for one in list_demonstrations(folder / 'demos')], sentence


@pytest.mark.parametrize(('columns', 'found', 'words'), [
    ({'next.success': ONCE}, ['success', 'failure'], '1 success, 1 failure by next.success'),
    ({'next.success': [False] * 11, 'next.reward': DENSE}, ['failure'] * 2, 'by next.success'),
    ({'next.success': LAST, 'next.reward': [0.0] * 11}, ['success'] * 2, 'by next.success'),
    ({'next.success': ONCE, 'next.truncated': LAST, 'next.done': LAST},
     ['success', 'time_limit'], '1 success, 1 time_limit'),
    ({'next.reward': [float(frame == 5) for frame in range(11)]}, ['success', 'failure'],
     'by next.reward, which is 0 or 1'),
    ({'next.reward': [0.0] * 11}, ['failure'] * 2, 'by next.reward'),
    ({'next.done': LAST}, ['success'] * 2,
     'neither next.success nor next.reward, so each episode counts as a success')])
def test_the_outcome_is_found_and_said(tmp_path, columns, found, words):
    assert outcomes(tmp_path, columns)[0] == found
    assert words in outcomes(tmp_path / 'again', columns)[1]


def test_a_reward_that_measures_progress_says_nothing_about_success(tmp_path):
    with pytest.raises(LeRobotError, match='next.reward goes from 0 to 1, which does not say.*'
                                           'give --outcome success, failure'):
        outcomes(tmp_path, {'next.reward': DENSE})
    found, sentence = outcomes(tmp_path, {'next.reward': DENSE},
                               outcome=EpisodeOutcome.FAILURE)
    assert found == ['failure'] * 2 and 'as you said' in sentence


def test_what_the_user_says_counts_after_what_the_dataset_says_of_success(tmp_path):
    found, _ = outcomes(tmp_path, {'next.success': ONCE}, outcome=EpisodeOutcome.TIME_LIMIT)
    assert found == ['success', 'failure']
    found, _ = outcomes(tmp_path / 'a', {'next.reward': [0.0] * 11},
                        outcome=EpisodeOutcome.SUCCESS)
    assert found == ['success'] * 2


@pytest.mark.parametrize('outcome', [
    EpisodeOutcome.SUCCESS, EpisodeOutcome.FAILURE, EpisodeOutcome.TIME_LIMIT])
def test_outcomes_come_back_from_an_export(tmp_path, outcome):
    contract = arm()
    rows = recording(contract, 5)
    for topic, _, message in rows:
        if topic == 'episode/event' and message.event == 3:
            message.outcome = outcome.value
        if topic == 'outcome':
            ended = outcome is not EpisodeOutcome.TIME_LIMIT
            message.outcome = outcome.value if ended else EpisodeOutcome.UNKNOWN.value
            message.reward = float(outcome is EpisodeOutcome.SUCCESS)
    bag_of(tmp_path / 'demos', rows)
    export_lerobot(tmp_path / 'demos', contract, tmp_path / 'set')
    import_lerobot(tmp_path / 'set', contract, tmp_path / 'back')
    [bag] = find_bags(tmp_path / 'back')
    assert read_episode(bag, contract).outcome == outcome.value
