# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The page says what the robot does and waits for, what is lost, and what a press led to."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from inril_ros.msg import ActuationStatus, LearnerStatus, PolicyStatus
from made_statuses import all_statuses, arm, events, TEXTS
import pytest

from inril_ros.console.pages.text import mode_text, nodes_text, presses_text, rows_text
from inril_ros.console.state import GROUPS, LOST, Press, robot_page, RobotSnapshot, shows
from inril_ros.data.run.graph_place import GraphPlace
from inril_ros.nodes.person_view.episodes_seen import EpisodesSeen
from inril_ros.nodes.person_view.view import Statuses
from inril_ros.robot.teleop.person_keys import BY_MEANING, PERSON_KEYS

PLACE = GraphPlace('record', 7)
ESTOP = ActuationStatus.ESTOP


def page(statuses, place=PLACE, told=(), **more):
    episodes = EpisodesSeen()
    for each in told:
        episodes.add(each)
    ages = {name: 0.1 for name in ('actuation', 'policy', 'learner', 'recorder')
            if getattr(statuses, name) is not None}
    snapshot = RobotSnapshot('', statuses, **{'ages': ages, 'episodes': episodes, **more})
    return robot_page('arm', snapshot, place, 'runs/a', 10.0)


def test_every_key_that_calls_a_service_has_a_button():
    buttons = {'stop', *(meaning for group in GROUPS for meaning in group)}
    assert buttons == {key.meaning for key in PERSON_KEYS if key.service}


@given(all_statuses, st.lists(events, max_size=5), TEXTS,
       st.dictionaries(st.sampled_from(['actuation', 'learner', 'conductor']),
                       st.floats(0.0, 1e6)))
def test_any_status_makes_a_page_whose_text_brings_no_element_of_its_own(
        statuses, told, text, ages):
    made = page(replace(statuses, conductor={**statuses.conductor, 'reason': f'<img>{text}'}),
                told=told, ages=ages, presses=(Press('stop', False, f'<script>{text}'),))
    html = ''.join(map(str, (mode_text(made), rows_text(made), nodes_text(made),
                             presses_text(made.presses))))
    assert '<img' not in html and '<script' not in html
    assert not made.buttons['stop'].why_not, 'the stop can be pressed in any state'


def test_it_says_what_is_waited_for_and_which_button_answers_it():
    made = page(Statuses(arm(enabled=False)))
    assert made.to_do == 'Enable motion (E)' and made.buttons['enable'].wanted
    assert 'motion is not enabled' in mode_text(made)
    assert not made.buttons['enable'].why_not
    assert made.buttons['release'].why_not == 'the e-stop is not pressed'
    assert made.buttons['success'].why_not


@pytest.mark.parametrize(('ages', 'place', 'says'), [
    ({}, None, 'No graph of this run is known'), ({}, PLACE, 'may still be starting'),
    ({'actuation': LOST + 1}, PLACE, 'Nothing heard from the arm for 4 s'),
    ({'actuation': LOST + 1}, None, 'The stage has ended')])
def test_a_lost_robot_is_not_shown_as_it_was_and_only_the_stop_can_be_pressed(ages, place, says):
    made = page(Statuses(arm(mode=ActuationStatus.POLICY)), place, ages=ages)
    assert says in made.lost and says in mode_text(made)
    assert 'the policy drives' not in mode_text(made)
    assert {meaning for meaning, button in made.buttons.items() if not button.why_not} == {'stop'}


def test_the_robot_of_another_run_is_not_commanded():
    made = page(Statuses(arm(enabled=False)), other_run='0123456789')
    assert 'another run (01234567)' in made.lost
    assert made.buttons['enable'].why_not


def test_a_dead_learner_is_told_with_what_follows():
    made = page(Statuses(arm(), learner=LearnerStatus()),
                ages={'actuation': 0.0, 'learner': 12.0})
    assert ('learner', 'silent for 12 s: the robot goes on with the weights that it has',
            False) in made.nodes
    assert not made.lost


def test_numbers_of_learning_are_shown():
    numbers = dict(page(Statuses(
        arm(), PolicyStatus(ready=True, weights_version=7, good_version=5, pinned=True),
        LearnerStatus(rl_updates=300, il_updates=100, m=float('inf'), alignment='they agree'),
        conductor={'success': '0.85'})).numbers)
    assert numbers['share of IL'] == '25 %' and numbers['m'] == 'RL only'
    assert numbers['acting version'] == '7 (kept)' and numbers['last good version'] == '5'
    assert '0.85' in numbers.values() and 'they agree' in numbers.values()


@pytest.mark.parametrize(('meaning', 'before', 'after'), [
    ('stop', Statuses(arm()), Statuses(arm(estop=True))),
    ('release', Statuses(arm(estop=True)), Statuses(arm())),
    ('enable', Statuses(arm(enabled=False)), Statuses(arm())),
    ('resume', Statuses(arm(mode=ESTOP)), Statuses(arm())),
    ('pause', Statuses(arm(), conductor={'order': ''}), Statuses(conductor={'order': 'pause'})),
    ('end', Statuses(arm()), Statuses(conductor={'state': 'ended', 'order': 'end'})),
    ('go_on', Statuses(conductor={'order': 'pause'}), Statuses(conductor={'order': ''})),
    ('pin', Statuses(policy=PolicyStatus()), Statuses(policy=PolicyStatus(pinned=True))),
    ('unpin', Statuses(policy=PolicyStatus(pinned=True)), Statuses(policy=PolicyStatus()))])
def test_a_press_is_shown_as_done_once_a_status_shows_it(meaning, before, after):
    assert not shows(Press(meaning), before, EpisodesSeen())
    assert shows(Press(meaning), after, EpisodesSeen())


def test_a_verdict_is_shown_as_done_once_the_episode_is_over():
    press = Press('success', episode='a')
    assert not shows(press, Statuses(arm(episode_id='a')), EpisodesSeen())
    assert shows(press, Statuses(arm()), EpisodesSeen())
    assert shows(press, Statuses(arm(episode_id='b')), EpisodesSeen()), 'the next one runs'


def test_an_episode_that_began_before_the_console_can_be_judged_and_is_shown():
    made = page(Statuses(arm(episode_id='a'), conductor={
        'state': 'running', 'episode': '3', 'episode_seconds': '4.5'}))
    assert made.view.episode == 'episode 3: 4.5 s of at most 10 s'
    assert not any(made.buttons[each].why_not for each in ('success', 'failure', 'discard'))


def test_what_was_pressed_is_told_by_what_happened():
    assert 'no answer yet' in str(Press('enable'))
    assert 'NOT DONE: why' in str(Press('enable', False, 'why'))
    assert 'does not show it yet' in str(Press('enable', True, 'motion is enabled'))
    assert str(Press('enable', True, 'motion is enabled', True)) == (
        'Enable motion: motion is enabled')
    assert BY_MEANING['enable'].key == 'E'
