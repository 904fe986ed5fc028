# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The panel fits any width, and shows what the statuses say or that it is shortened."""

import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from inril_ros.msg import (
    ActuationStatus,
    EpisodeEvent,
    LearnerStatus,
    PolicyStatus,
    RecorderStatus,
)
from made_statuses import all_statuses, arm, event, events, TEXTS
import pytest
from rich.cells import cell_len
from rich.console import Console

from inril_ros.cli.terminal.panel import help_lines, printable, RobotPanel, rows
from inril_ros.nodes.clients.person_wait import ACTIONS
from inril_ros.nodes.person_view.episodes_seen import EpisodesSeen
from inril_ros.nodes.person_view.view import Statuses, View, view_of
from inril_ros.robot.episode import PERSON_READY
from inril_ros.robot.teleop.person_keys import BY_MEANING, PERSON_KEYS

GUIDE = Path(__file__).parents[3] / 'docs' / 'how_to' / 'terminal.md'


def drawn(view, width, keys=True):
    """Return the lines of the panel of a view."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(RobotPanel(lambda: view, keys))
    return console.file.getvalue().splitlines()


def text_of(lines):
    """Return the content of a panel without its frame and its blanks."""
    return ''.join(''.join(line.strip('│╭╮╰╯─') for line in lines).split())


def seen(*events_):
    episodes = EpisodesSeen()
    for each in events_:
        episodes.add(each)
    return episodes


@given(all_statuses, st.lists(events, max_size=8), TEXTS, st.integers(16, 140), st.booleans())
def test_any_status_fits_any_width_and_is_cut_only_with_an_ellipsis(
        statuses, told, title, width, keys):
    view = view_of(title, statuses, seen(*told), 10.0)
    lines = drawn(view, width, keys)
    assert all(cell_len(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)
    everything = text_of(lines)
    for label, text, _ in rows(view, keys):
        whole = ''.join(printable(text).split())
        assert whole in everything or f'{whole[:8]}'[:3] in everything and '…' in everything
        assert ''.join(label.split()) in everything


@given(st.text('abc ', min_size=1, max_size=400), st.integers(20, 120))
def test_a_row_ends_with_an_ellipsis_exactly_if_something_of_it_is_missing(text, width):
    view = View('', mode='held', faults=text.strip() or 'a')
    lines = drawn(view, width, keys=False)
    whole = ''.join(view.faults.split())
    assert (whole in text_of(lines)) == ('…' not in text_of(lines))


@pytest.mark.parametrize('width', [60, 80, 120])
def test_a_waiting_arm_shows_what_it_waits_for_and_the_key(width):
    status = arm(mode=ActuationStatus.RESET, reason='homed', waiting_for=PERSON_READY)
    view = view_of('mock_arm: record', Statuses(status), seen(event(EpisodeEvent.RESETTING)), 10.0)
    shown = ' '.join(' '.join(drawn(view, width)).replace('│', ' ').split())
    assert 'before an episode: homed' in shown
    assert f'waiting {PERSON_READY}: press enter (the scene is set)' in shown
    assert 'backspace: abort the episode' in shown
    assert 'mock_arm: record' in shown


def test_without_keys_the_services_are_named():
    view = view_of('', Statuses(arm(enabled=False)), seen(), 10.0)
    assert 'motion is not enabled: press E (enable motion)' in ' '.join(drawn(view, 100))
    view = view_of('', Statuses(arm(enabled=False)), seen(), 10.0, namespace='left')
    lines = drawn(view, 140, keys=False)
    assert 'service /left/actuation_node/enable with data: true' in ' '.join(lines)


def test_the_episode_s_clock_is_the_robot_s():
    episodes = seen(event(EpisodeEvent.RESETTING, 90.0), event(EpisodeEvent.STARTED, 100.0))
    view = view_of('', Statuses(arm(107.4, mode=ActuationStatus.POLICY)), episodes, 30.0)
    assert (view.mode, view.episode) == ('the policy drives', 'rollout: 7 s of at most 30 s')
    assert set(view.offers) >= {'success', 'failure', 'discard', 'stop', 'help'}


@pytest.mark.parametrize(('more', 'last', 'tally'), [
    ([], 'success after 9.0 s: judged', '1 success'),
    ([event(EpisodeEvent.SAVED, reason='bags/1')], 'success after 9.0 s: judged; kept',
     '1 success'),
    ([event(EpisodeEvent.DISCARDED, reason='too late')],
     'success after 9.0 s: judged; discarded: too late', '1 success, 1 discarded'),
    ([event(EpisodeEvent.DISCARDED, episode='another', reason='too late')],
     'success after 9.0 s: judged', '1 success')])
def test_the_last_outcome_stands_with_what_became_of_it(more, last, tally):
    episodes = seen(event(EpisodeEvent.RESETTING), event(EpisodeEvent.STARTED, 1.0), event(
        EpisodeEvent.ENDED, 10.0, outcome=EpisodeEvent.SUCCESS, reason='judged'), *more)
    assert (episodes.last, episodes.tally) == (last, tally)


def test_a_rescued_episode_is_no_success_and_an_aborted_one_is_not_called_discarded():
    episodes = seen(
        event(EpisodeEvent.STARTED, 1.0), event(EpisodeEvent.TAKEN_OVER, 2.0),
        event(EpisodeEvent.ENDED, 3.0, outcome=EpisodeEvent.SUCCESS),
        event(EpisodeEvent.STARTED, 4.0, 'b'),
        event(EpisodeEvent.ENDED, 5.0, 'b', outcome=EpisodeEvent.ABORTED, reason='e-stop'),
        event(EpisodeEvent.DISCARDED, 5.0, 'b', outcome=EpisodeEvent.ABORTED, reason='e-stop'))
    assert episodes.tally == '1 rescued, 1 aborted'
    assert episodes.last == 'aborted after 1.0 s: e-stop; discarded: e-stop'


def test_weights_success_and_interventions_are_shown():
    view = view_of('', Statuses(
        arm(interventions=2, intervention_rate=0.25, person_ticks=40),
        PolicyStatus(ready=True, weights_version=52, refused=1, refusal='not finite'),
        LearnerStatus(successes=3, episodes=5, rescued=1)), seen(), 10.0)
    assert view.weights == 'version 52; 1 refused, the last because: not finite'
    assert view.learning.startswith('3 of 5 episodes succeeded, 1 rescued')
    assert view.interventions.startswith('2 in this episode, 25 %')


def test_a_robot_that_falls_silent_is_not_shown_as_it_was():
    view = view_of('', Statuses(arm(mode=ActuationStatus.POLICY), silent=6.0), seen(), 10.0)
    assert view.alarm and view.mode == 'unknown' and view.wait is None
    assert view.reason == 'actuation_node has been silent for 6 s'


def test_what_the_conductor_waits_for_and_does_is_shown():
    told = {'episode': '14', 'state': 'saving', 'waiting_for': 'no free disk', 'action': 'go_on'}
    view = view_of('', Statuses(arm(), conductor=told), seen(), 10.0)
    assert view.episode == 'the recorder saves the last one' and view.offers[0] == 'go_on'
    assert 'no free disk: press G' in ' '.join(drawn(view, 100))
    view = view_of('', Statuses(arm(9.0), conductor={'episode': '14'}), seen(
        event(EpisodeEvent.STARTED, 1.0)), 10.0)
    assert view.episode == 'rollout 14: 8 s of at most 10 s'


def test_every_wait_for_a_person_has_its_key():
    assert set(ACTIONS) <= set(BY_MEANING)


def test_the_help_has_every_key():
    assert [line.split()[0] for line in help_lines()] == [key.key for key in PERSON_KEYS]


def test_the_panel_in_the_guide_is_as_it_is_drawn():
    episodes = seen(
        event(EpisodeEvent.STARTED, 1.0), event(EpisodeEvent.TAKEN_OVER, 5.0),
        event(EpisodeEvent.ENDED, 13.0, outcome=EpisodeEvent.SUCCESS, reason='judged by a person'),
        event(EpisodeEvent.SAVED, reason='journal'), event(EpisodeEvent.RESETTING, 14.0, 'b'))
    view = view_of('ur5e: finetune', Statuses(
        arm(15.0, mode=ActuationStatus.RESET, reason='home', waiting_for=PERSON_READY),
        PolicyStatus(ready=True, weights_version=52, weights_lag=40),
        LearnerStatus(successes=31, episodes=60, rescued=9, env_steps=12345, rl_updates=8000,
                      updates_per_second=42.5, updates_due=12),
        RecorderStatus(saved=60, discarded=2), {'episode': '14'}), episodes, 30.0)
    guide = GUIDE.read_text(encoding='utf-8')
    assert '\n'.join(drawn(view, 80)) in guide, '\n'.join(drawn(view, 80))
