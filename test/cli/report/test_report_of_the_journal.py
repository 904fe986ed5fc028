# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report shows who drove in each episode, where failures begin, and which version acted."""

from html import unescape
import re

from hypothesis import given
from hypothesis import strategies as st
from inril_ros.msg import Transition
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sample_run import CONTRACT, write_sample_run

from inril_ros.cli.report.failing_starts import failing_starts, LEAST_FAILURES
from inril_ros.cli.report.journal_trace import JournalTrace, TracedEpisode
from inril_ros.cli.report.page import write_report
from inril_ros.cli.report.version_timeline import version_timeline
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.data.record_files import JsonLines, read_json_lines
from inril_ros.data.run.run_record import read_run
from inril_ros.robot.contract.contract import load_contract
from inril_ros.transport.journal.journal import Journal

EPISODES, STEPS = 48, 20
HELD, POLICY, PERSON = 0, 1, 2


def sources(number):
    """A person takes over twice in each twelfth episode; the arm is held at its end."""
    ticks = [POLICY] * (STEPS - 2) + [HELD] * 2
    if number % 12 == 0:
        ticks[4:7], ticks[10:12] = [PERSON] * 3, [PERSON] * 2
    return ticks


def fails(number):
    """Episodes fail that begin with the object far to the left."""
    return number % 4 == 0


def write_journal(run, episodes, column, most=STEPS):
    contract = load_contract(run.contract)
    chance = np.random.default_rng(0)
    kind = 'inril_ros/msg/Transition'
    journal = Journal(run.journal, kind, ros_typestore().generate_msgdef(kind)[0])
    for number in episodes:
        rows = np.zeros((STEPS + 1, contract.observation_size), np.float32)
        rows += np.linspace(0, 1, STEPS + 1)[:, None]  # all numbers move within an episode
        rows[0] = 0.01 * chance.random(rows.shape[1])  # but begin alike
        rows[0, column] = (-0.8 if fails(number) else 0.5) + 0.05 * chance.random()
        for first in range(0, most, STEPS // 2):
            part = slice(first, first + STEPS // 2)
            journal.append(journal.next_sequence, 0, serialize_message(Transition(
                episode_id=f'episode-{number}', first_tick=first, steps=STEPS // 2,
                observation_size=rows.shape[1],
                observations=rows[first:first + STEPS // 2 + 1].ravel().tolist(),
                source=sources(number)[part])))
    journal.close()


@pytest.fixture
def run(tmp_path):
    made = write_sample_run(tmp_path / 'run')
    rows = read_json_lines(made.episodes)[:EPISODES]
    made.episodes.unlink()
    with JsonLines(made.episodes) as lines:
        for row in rows:
            lines.append({**row, 'ticks': STEPS, 'env_steps': STEPS * (row['index'] + 1),
                          'outcome': 'failure' if fails(row['index']) else 'success',
                          'weights_version': row['index'] // 4 % 9,
                          'person_ticks': sources(row['index']).count(PERSON)})
    return made


def page(run):
    return unescape(write_report(run.path).read_text(encoding='utf-8'))


def test_each_episode_has_a_strip_of_who_drove(run):
    write_journal(run, range(EPISODES), 4)
    text = page(run)
    strips = re.search(r'<div class="drives".*?</div>', text, re.DOTALL)[0]
    assert strips.count('<g>') == EPISODES
    assert strips.count('class="person"') == 2 * 4 and strips.count('class="lost"') == 12
    [told] = re.findall(r'<title>(episode 12:[^<]*)', strips)
    assert told.startswith('episode 12: failure, 20 ticks; held 2, policy 13, person 5; weights')
    assert 'A person took over 8 times' in text.replace('\u202f', ' ')


def test_failures_are_grouped_by_where_they_begin(run):
    write_journal(run, range(EPISODES), 4)
    part = page(run).split('Where failures begin')[1].split('</table>')[0]
    groups = re.findall(r'>(\d+) of (\d+)</td>', part)
    assert groups == [('12', '12'), ('0', '36')]
    assert re.search(r'\S+ -0\.7\d+ \(-0\.\d+ to 0\.5\d*\)', part), part


def test_few_episodes_or_equal_beginnings_are_not_grouped(run):
    write_journal(run, range(19), 4)
    assert 'Where failures begin' not in page(run)


def test_a_journal_that_has_a_part_or_nothing_is_told(run):
    assert 'Who drove' not in page(run)
    write_journal(run, range(5), 4, most=STEPS // 2)
    text = page(run).replace('\u202f', ' ')
    assert '5 of 48 training episodes are in the journal' in text


def test_a_journal_that_cannot_be_read_is_told(run):
    kind = 'inril_ros/msg/Transition'
    journal = Journal(run.journal, kind, ros_typestore().generate_msgdef(kind)[0])
    journal.append(1, 0, b'no message')
    journal.close()
    assert 'The journal cannot be read' in page(run)


def test_the_timeline_tells_versions_judgements_and_a_rollback(run):
    text = version_timeline(read_run(run.path)).svg
    for words in ('40 % [17, 69]', '90 % [60, 98]', 'judged and kept', 'an older one again'):
        assert words in text


@given(st.integers(20, 60), st.integers(0, 2**32 - 1))
def test_groups_are_few_and_hold_every_beginning_once(number, seed):
    contract = load_contract(CONTRACT)
    chance = np.random.default_rng(seed)
    trace, size = JournalTrace(), contract.observation_size
    trace.range = np.zeros(size, np.float32), np.ones(size, np.float32)
    rows = [{'episode_id': str(index), 'outcome': chance.choice(['success', 'failure'])}
            for index in range(number)]
    trace.episodes = {row['episode_id']: TracedEpisode(
        start=chance.random(size).astype(np.float32)) for row in rows}
    groups = failing_starts(rows, trace, contract)
    failures = sum(row['outcome'] == 'failure' for row in rows)
    if failures < LEAST_FAILURES:
        assert groups is None
        return
    assert 1 <= len(groups) <= 5
    assert sum(group.share.n for group in groups) == number
    assert sum(group.failures for group in groups) == failures
    shares = [group.share.value for group in groups]
    assert shares == sorted(shares, reverse=True)
