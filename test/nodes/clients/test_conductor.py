# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The conductor waits for people and faults without a time limit, says so, and goes on."""

from uuid import uuid4

from inril_ros.msg import EpisodeEvent
from played_actuation import latch, PlayedActuation, TICKS
import pytest

from inril_ros.graph.domain import reserve_domain
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.conductor_orders import EndedByPerson
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.nodes.clients.person_wait import ToldWaits, Wait
from inril_ros.robot.episode import EpisodeOutcome, Purpose

ABORTED = EpisodeEvent.ABORTED
DAY = 24 * 3600.0


@pytest.fixture(scope='module')
def domain():
    with reserve_domain() as number:
        yield number


@pytest.fixture
def arm(domain):
    arm = PlayedActuation(domain)
    yield arm
    arm.close()


@pytest.fixture
def conducted(arm, domain):
    """Return what lets an arm run one episode; the test says by whom it is attended."""
    made = []

    def conduct(attended=True, most_aborted=0, **how):
        if not made:
            made.append(Conductor(
                'run', 'lift', domain, check=arm.check, listen=arm.listen, attended=attended,
                most_aborted=most_aborted, say=arm.lines.append, clock=arm.clock))
            made[0]._wait(lambda: made[0].actuation and arm._events.get_subscription_count()
                          and made[0]._request.get_subscription_count(), DAY, lambda: 'the arm')
            arm.lines.clear()
        made[0]._wait(lambda: (made[0].actuation.enabled, made[0].actuation.faults) == (
            arm.modes.enabled, arm.faults), DAY, lambda: 'the status')
        return made[0].run_episode(str(uuid4()), Purpose.EVALUATION, seed=0, **how)
    conduct.made = made
    yield conduct
    for conductor in made:
        conductor.close()


def test_consent_is_awaited_for_as_long_as_it_takes_and_told(arm, conducted):
    arm.modes.enable(False)
    arm.pause, arm.person = 600.0, [('enable',)]
    assert conducted().outcome is EpisodeOutcome.SUCCESS
    assert arm.now > 600.0 and len(arm.requests) == 1
    assert arm.waits() == ['enable']
    told = next(each for each in arm.statuses if each['action'])
    assert (told['waiting_for'], told['service'], told['data'], told['state']) == (
        'motion is not enabled', '/actuation_node/enable', 'true', 'asking')
    assert told['level'] == b'\x01'
    assert arm.lines[0] == ('waiting: motion is not enabled: enable motion '
                            '(key E, or service /actuation_node/enable with data: true)')
    assert int(arm.lines[-1].split()[3]) > 500 and arm.lines[-1].startswith('goes on after')
    assert arm.statuses[-1]['waiting_for'] == ''


def test_what_lasts_is_told_once_a_minute_and_what_counts_up_is_told_as_one():
    lines, now = [], [0.0]
    told = ToldWaits(lines.append, clock=lambda: now[0])
    for _ in range(3):
        told.note(Wait('a moment'))
        now[0] += 1.0
    told.note(None)
    assert lines == [], 'what is over soon is not told'
    for second in range(600):
        now[0] += 1.0
        told.note(Wait(f'held for {second} s', 'resume'))
    told.note(None)
    assert 10 <= len(lines) <= 12
    assert lines[1].startswith('still waiting after 1 min: held for 6')
    assert lines[-1] == 'goes on after 599 s'


def test_after_the_e_stop_each_step_of_the_way_back_is_named(arm, conducted):
    arm.ends = [(ABORTED, 'e-stop: ~/estop', lambda modes: modes.press('~/estop'))]
    arm.person = [('release',), ('enable',), ('resume',)]
    stopped = conducted()
    assert (stopped.outcome, stopped.interrupted) == (EpisodeOutcome.ABORTED, True)
    assert conducted().outcome is EpisodeOutcome.SUCCESS
    assert arm.waits() == ['release', 'enable', 'resume'] and not arm.person
    assert arm.statuses[-1]['outcome'] == 'success'


def test_protective_stops_do_not_count_towards_giving_up(arm, conducted):
    arm.ends = [(ABORTED, 'joint_states: no sample', latch)] * 4
    arm.person = [('resume',)] * 4
    for _ in range(4):
        assert conducted().interrupted
    assert conducted().outcome is EpisodeOutcome.SUCCESS
    assert arm.waits() == ['resume'] and 'goes on' in arm.lines[-1]


def test_episodes_that_a_person_discards_do_not_count_either(arm, conducted):
    arm.ends = [(ABORTED, 'discarded by a person')] * 4
    assert all(conducted().interrupted for _ in range(4))
    assert arm.waits() == [] and arm.statuses[-1]['reason'] == 'discarded by a person'


def test_a_fault_is_awaited_and_goes_away_by_itself(arm, conducted):
    arm.faults = ['wrist camera: silent for 3 s']
    arm.pause, arm.person = 400.0, [('mend',)]
    assert conducted().outcome is EpisodeOutcome.SUCCESS
    assert len(arm.requests) == 1
    assert arm.lines[0] == 'waiting: wrist camera: silent for 3 s'
    assert any(each['waiting_for'] and not each['action'] for each in arm.statuses)


def test_the_scene_may_take_a_person_ten_minutes(arm, conducted):
    arm.scene, arm.pause, arm.person = True, 600.0, [('ready',)]
    assert conducted().ticks == TICKS
    assert arm.waits() == ['ready'] and arm.now > 600.0
    assert {each['state'] for each in arm.statuses} >= {'asking', 'resetting'}


def test_what_is_refused_for_the_time_being_is_asked_again_and_what_is_refused_for_good_is_not(
        arm, conducted):
    arm.refusals = ['the arm is still braking', 'no service /reset']
    assert conducted().outcome is EpisodeOutcome.SUCCESS
    assert len({each.episode_id for each in arm.requests}) == 1 and len(arm.requests) == 3
    arm.refusals = ['of run a, this is run b']
    with pytest.raises(GraphStalled, match='refused: of run a'):
        conducted()


def test_an_episode_that_a_killed_conductor_had_requested_gets_another_name(arm, conducted):
    arm.refusals = ['episode e was requested before']
    result = conducted(attended=False)
    first, second = (each.episode_id for each in arm.requests)
    assert result.outcome is EpisodeOutcome.SUCCESS and result.episode_id == second != first


def test_after_faults_that_nobody_resumes_from_a_person_is_asked_to_go_on(arm, conducted):
    arm.ends = [(ABORTED, 'no progress for 20 s')] * 3
    arm.person = [('conductor_node/go_on',)]
    for _ in range(3):
        assert not conducted(most_aborted=2).interrupted
    assert arm.waits() == ['go_on'] and not arm.person
    assert conducted().outcome is EpisodeOutcome.SUCCESS


def test_an_episode_whose_end_was_not_heard_of_is_asked_for_again(arm, conducted):
    arm.lost = 1
    assert (conducted(most_aborted=1).outcome, len(arm.requests)) == (EpisodeOutcome.ABORTED, 1)
    assert 'the message that it ended was lost' in arm.statuses[-1]['reason']
    assert conducted().outcome is EpisodeOutcome.SUCCESS


def test_where_nobody_attends_the_arm_it_gives_up(arm, conducted):
    arm.ends = [(ABORTED, 'no progress for 20 s')]
    with pytest.raises(GraphStalled, match='aborted: no progress'):
        conducted(attended=False)
    assert (arm.statuses[-1]['state'], arm.statuses[-1]['level']) == ('failed', b'\x02')
    arm.modes.enable(False)
    with pytest.raises(GraphStalled, match='no episode can begin: motion is not enabled'):
        conducted()
    assert arm.now < 1000


def test_who_asks_is_told_once_that_the_episode_has_begun(arm, conducted):
    arm.scene, arm.person, begun = True, [('ready',)], []
    assert conducted(begun=lambda: begun.append(len(arm.waits()))) is not None
    assert begun == [1], 'once, after the person had confirmed that the scene is ready'
    arm.scene, arm.refusals = False, ['an episode is running']
    conducted(begun=lambda: begun.append('again'))
    assert begun == [1, 'again']


def test_a_person_s_pause_lasts_until_the_person_lets_it_go_on(arm, conducted):
    paused = conducted(
        attended=False, begun=lambda: conducted.made[0].call('conductor_node/pause'))
    assert paused.outcome is EpisodeOutcome.SUCCESS, 'the episode is not cut'
    assert arm.statuses[-1]['order'] == 'pause' and arm.waits() == []
    arm.person = [('conductor_node/go_on',)]
    conducted(attended=False)
    assert arm.waits() == ['go_on'] and arm.statuses[-1]['order'] == ''


def test_a_person_ends_the_stage_between_two_episodes(arm, conducted):
    ended = conducted(begun=lambda: conducted.made[0].call('conductor_node/end'))
    assert ended.outcome is EpisodeOutcome.SUCCESS
    with pytest.raises(EndedByPerson):
        conducted()
    assert len(arm.requests) == 1 and arm.statuses[-1]['state'] == 'ended'


def test_a_person_ends_the_stage_while_the_arm_must_not_move(arm, conducted):
    arm.modes.enable(False)
    arm.person = [('conductor_node/end',)]
    with pytest.raises(EndedByPerson):
        conducted()
    assert not arm.requests
