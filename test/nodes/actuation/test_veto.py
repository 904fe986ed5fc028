# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person may overrule the judge for some time, in which the arm is held; then it is too late."""

from driven_hand import driven_hand
from hypothesis import given, settings
from hypothesis import strategies as st
from inril_ros.msg import EpisodeEvent, Outcome
import pytest

from inril_ros.robot.contract.rules import JUDGE_TOPIC
from inril_ros.robot.messages.codecs import stamp_ns

VETO = 3.0  # [s]
BEGUN = [EpisodeEvent.RESETTING, EpisodeEvent.STARTED]
SUCCESS, FAILURE, ABORTED = EpisodeEvent.SUCCESS, EpisodeEvent.FAILURE, EpisodeEvent.ABORTED


class Veto:
    """A hand whose judge may be overruled, and the time of its rules."""

    def __init__(self, hand):
        self.hand, self.time, self.episodes = hand, 0.0, 0
        hand.node.rule_clock._steady = lambda: self.time
        self._heard = 0  # verdicts of its own that the node has heard

    def begin(self):
        self.hand.verdicts.clear()
        self._heard = 0
        self.episodes += 1
        assert self.hand.begin(f'e{self.episodes}') == BEGUN, self.hand.events[-1].reason

    def says(self, outcome=Outcome.SUCCESS, ticks=1, **verdict):
        """Let the judge give a verdict."""
        self.hand.judge(outcome=outcome, ticks=ticks, topic=JUDGE_TOPIC, **verdict)

    def wait(self, seconds):
        self.time += seconds
        self.tick()

    def tick(self):
        """Tick once the node has heard what it published, as by the middleware."""
        self.hand.tick()
        while self._heard < len(self.hand.verdicts):
            self._heard += 1
            self.hand.give('outcome', self.hand.verdicts[self._heard - 1])
            self.hand.tick()

    def press(self, key):
        answer = self.hand.call(key)
        self.tick()
        return answer

    @property
    def waiting_for(self):
        self.hand.look()
        return self.hand.statuses[-1].waiting_for

    @property
    def counted(self):
        """The verdicts of the episode that were published where the recorder hears them."""
        return [(each.outcome, each.reward) for each in self.hand.verdicts]


@pytest.fixture(scope='module')
def veto(tmp_path_factory):
    with driven_hand(tmp_path_factory.mktemp('veto'), {
            'judge': 'vision_node', 'veto': VETO, 'reward': [0.0, 1.0]}) as hand:
        yield Veto(hand)


def test_a_verdict_counts_once_nobody_has_overruled_it_in_time(veto):
    veto.begin()
    veto.says(reward=0.5)
    ticks, stamp = veto.hand.node._life.machine.tick, veto.hand.node._life.last_tick
    veto.wait(VETO - 0.1)
    assert veto.hand.ended() is None and not veto.counted
    assert veto.waiting_for == (
        'the judge says success: press n within 1 s if it is wrong')
    veto.wait(0.1)
    assert veto.hand.ended()[0] == SUCCESS and veto.counted == [(Outcome.SUCCESS, 0.5)]
    ended = veto.hand.events[-1]
    assert (ended.tick, stamp_ns(ended), stamp_ns(veto.hand.verdicts[0])) == (ticks, stamp, stamp)
    assert veto.waiting_for == ''


@pytest.mark.parametrize('key', ['failure', 'success'])
@pytest.mark.parametrize('said', [Outcome.SUCCESS, Outcome.FAILURE])
def test_a_person_s_verdict_counts_at_once(veto, key, said):
    veto.begin()
    veto.says(said)
    veto.wait(1.0)
    assert veto.press(key) == (True, f'a {key}')
    outcome, reason = veto.hand.ended()
    assert (outcome, reason) == (SUCCESS if key == 'success' else FAILURE,
                                 'judged by a person, after: ')
    assert veto.counted == [(outcome, float(key == 'success'))]


def test_a_key_after_the_time_is_refused(veto):
    veto.begin()
    veto.says()
    veto.time += VETO
    veto.hand.tick()  # the verdict is on its way
    assert veto.hand.call('failure') == (False, 'too late: it is a success')
    veto.tick()
    assert veto.hand.ended()[0] == SUCCESS
    assert veto.hand.call('failure') == (False, 'no episode is running')


def test_the_judge_s_first_verdict_stands_though_there_was_no_tick_between(veto):
    veto.begin()
    veto.says(Outcome.FAILURE, ticks=0)
    veto.says(Outcome.SUCCESS)
    veto.wait(VETO)
    assert veto.hand.ended()[0] == FAILURE


def test_an_episode_can_be_discarded_meanwhile(veto):
    veto.begin()
    veto.says()
    veto.press('abort')
    assert veto.hand.ended()[0] == ABORTED and not veto.counted


def test_a_verdict_that_is_lost_on_its_way_ends_nothing_as_a_success(veto):
    veto.begin()
    veto.says()
    veto.wait(0.0)
    veto.time += VETO
    veto.hand.tick()  # it publishes the verdict, and never hears it
    veto.hand.tick()
    assert len(veto.counted) == 1
    veto.time += veto.hand.node.value('stall_timeout') + 1.0
    veto.hand.look()
    assert veto.hand.ended()[0] == ABORTED


def test_what_cannot_be_the_judge_s_verdict_holds_nothing(veto):
    veto.begin()
    for verdict in ({'reward': 1.5}, {'seconds': -100.0}, {'seconds': 5.0},
                    {'outcome': Outcome.RUNNING}):
        veto.says(**verdict)
    veto.wait(2 * VETO)
    assert veto.hand.ended() is None and veto.hand.node._life.running
    veto.press('failure')
    assert veto.hand.ended() == (FAILURE, 'judged by a person')


def test_only_the_actuation_node_gives_verdicts_that_count_at_once(tmp_path):
    with driven_hand(tmp_path, {'judge': 'vision_node', 'veto': VETO}) as hand, \
            hand.another_node('vision_node', Outcome, 'outcome'):
        assert hand.begin('e1') == [EpisodeEvent.REFUSED]
        assert '/vision_node publishes verdicts on /outcome, where only /actuation_node may' in \
            hand.events[-1].reason
    with driven_hand(tmp_path, {'judge': 'vision_node', 'veto': VETO}) as hand, \
            hand.another_node('vision_node', Outcome, JUDGE_TOPIC):
        assert hand.begin('e1') == BEGUN
        with hand.another_node('forger', Outcome, JUDGE_TOPIC):
            hand.judge(topic=JUDGE_TOPIC)
            assert hand.ended()[0] == ABORTED


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(
    st.sampled_from(['says success', 'says failure', 'press success', 'press failure', 'tick']),
    st.integers(1, 3)), max_size=8))
def test_whatever_happens_one_verdict_counts_for_all_and_it_is_the_first_that_could(veto, events):
    veto.begin()
    word, since, decided = None, 0.0, None
    for event in events:
        if decided:
            break
        if event == 'tick':
            veto.tick()
        elif isinstance(event, int):
            veto.wait(event)
        elif event.startswith('says'):
            said = SUCCESS if event == 'says success' else FAILURE
            veto.says(said)
            word, since = word or said, since if word else veto.time
        else:
            decided = SUCCESS if event == 'press success' else FAILURE
            veto.press(event.partition(' ')[2])
        if word and not decided and veto.time - since >= VETO:
            decided = word
        ended = veto.hand.ended()
        assert (ended[0] if ended else None) == decided
    # What the recorder heard first is how the episode ended.
    assert [outcome for outcome, _ in veto.counted][:1] == ([decided] if decided else [])
    veto.hand.node._life.abort('the example is over')
