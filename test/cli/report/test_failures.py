# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril failures` finds in a run's journal where episodes failed, and lists such starts."""

import shutil

from command_line import refused, succeeded
from inril_ros.msg import Transition
import numpy as np
import pytest
from rclpy.serialization import serialize_message

from inril_ros.cli.run.resources import find_configuration
from inril_ros.data.record_files import JsonLines
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.data.run.start_list import read_starts
from inril_ros.robot.contract.contract import load_contract
from inril_ros.transport.journal.journal import Journal

CONTRACT = load_contract(find_configuration('robots', 'metaworld_sawyer'))
FAILED = 6  # of the episodes, those that began on the left


@pytest.fixture
def run(tmp_path):
    """Return a run in simulation whose episodes fail where the first value is low."""
    from dataclasses import replace

    made = RunDirectory.create(tmp_path / 'run', replace(
        new_settings('reach', 3, find_configuration('robots', 'metaworld_sawyer')),
        simulation='metaworld'))
    rng = np.random.default_rng(0)
    journal = Journal(made.journal, 'std_msgs/msg/String', 'string data')
    with JsonLines(made.episodes) as episodes:
        for index in range(20):
            failed = index < FAILED
            first = rng.normal(0.0, 0.05, CONTRACT.observation_size)
            first[0] += -1.0 if failed else 1.0
            for tick in (0, 1):
                journal.append(journal.next_sequence, 0, serialize_message(Transition(
                    episode_id=f'e{index}', first_tick=tick, steps=1, action_size=4,
                    observation_size=len(first), observations=[
                        *(first + tick).tolist(), *first.tolist()])))
            episodes.append({
                'index': index, 'episode_id': f'e{index}', 'person_ticks': 0, 'ticks': 2,
                'outcome': 'time_limit' if failed else 'success', 'saved': True,
                **({'scene_seed': 100 + index} if index else {})})
    journal.close()
    return made


def test_it_groups_failures_and_lists_their_scenes(run):
    told = succeeded('failures', run.path, '--most', 4)
    assert '4 starts of 6 failures in 20 episodes' in told
    assert '0 of 6' in told  # none near the failures succeeded
    name = CONTRACT.policy_observations[0]
    assert f'{name}[0]' in told
    listed = read_starts(run.path / 'failures' / 'starts.json', run.settings.contract_hash, True)
    assert len(listed.starts) == 4
    for start in listed.starts:
        index = int(start.episode_id[1:])
        assert index < FAILED and start.about.startswith(f'{name}[0]')
        # Rows of former versions have no seed: then it follows from the run's.
        assert start.scene_seed == 100 + index if index else start.scene_seed > 100


def test_of_earlier_episodes_only_as_many_count_as_are_asked_for(run):
    assert 'none of the last 14 episodes failed' in succeeded('failures', run.path, '--last', 14)


def test_a_run_without_a_journal_says_what_is_missing(run):
    shutil.rmtree(run.journal)
    assert 'has no beginning of any of the last 100 episodes' in refused('failures', run.path)
