# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""In lockstep each tick waits for its action, also while a person takes over and hands back."""

from geometry_msgs.msg import TwistStamped
from inril_ros.msg import ActionChunk, EpisodeEvent, EpisodeRequest, ExecutedAction
import numpy as np
from played_arm import CONTRACT, PlayedEpisode, Player, processes, ROLLOUT
import pytest
from sensor_msgs.msg import Joy
from std_srvs.srv import Trigger

from inril_ros.graph.domain import reserve_domain
from inril_ros.nodes.base import qos
from inril_ros.robot.messages.codecs import stamp_ns

POLICY, TELEOP, HOLD = ExecutedAction.POLICY, ExecutedAction.TELEOP, ExecutedAction.HOLD


class Lab:
    """The simulator's, the policy's and the person's side of an actuation node."""

    def __init__(self, player):
        self.player, self.executed, self.commands = player, [], []
        player.listen(TwistStamped, 'command', qos.LOCKSTEP, self.commands.append)
        self.requests = player.publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        self.joys = player.publisher(Joy, CONTRACT.teleoperation.joy_topic, qos.LOCKSTEP)
        player.listen(ExecutedAction, 'executed_action', qos.RECORD, self.executed.append)
        player._node.create_service(Trigger, 'reset', self._reset)

    def _reset(self, _, response):
        response.success = True
        return response

    def begin(self, start, purpose=ROLLOUT):
        episode = PlayedEpisode(start, 60)
        self.requests.publish(EpisodeRequest(episode_id=episode.id, purpose=purpose))
        self.player.until(lambda: self.player.event(episode, EpisodeEvent.RESETTING), 'the reset')
        self.player.play(episode.before_action(0))
        self.player.until(lambda: self.player.event(episode, EpisodeEvent.STARTED), 'the start')
        return episode

    def joy(self, episode, tick, held):
        message = Joy(buttons=[int(held)])
        message.header.stamp = episode.before_action(tick)[0][1].header.stamp
        self.joys.publish(message)

    def plan(self, episode, tick, steps, version=1):
        actions = np.tile(episode.action(tick), steps).tolist()
        self.player.play([('action_chunk', ActionChunk(
            episode_id=episode.id, first_tick=tick, steps=steps, size=3, actions=actions,
            weights_version=version))])

    def tick(self, episode, tick):
        """Wait for the executed action of a tick."""
        self.player.until(lambda: any(
            done.tick == tick and done.episode_id == episode.id for done in self.executed),
            lambda: f'tick {tick} of {[done.tick for done in self.executed]}')
        done = next(done for done in self.executed
                    if done.tick == tick and done.episode_id == episode.id)
        assert stamp_ns(done) == episode.stamp(tick)
        return done


@pytest.fixture(scope='module')
def lab(tmp_path_factory):
    with reserve_domain() as domain, Player(domain) as player:
        lab = Lab(player)
        with processes(tmp_path_factory.mktemp('lockstep'), domain,
                       actuation_node={'enable_on_activate': True,
                                       'longest_rollout': 12}) as supervisor:
            player.check = supervisor.check
            player.wait_ready('actuation_node')
            yield lab


def test_a_tick_waits_for_its_step_without_a_limit(lab):
    episode = lab.begin(10 ** 11)
    lab.plan(episode, 1, 2)  # none for tick 0 yet
    lab.plan(episode, 0, 1)
    for tick in range(3):
        done = lab.tick(episode, tick)
        assert (done.source, list(done.reasons)) == (POLICY, [])
        assert np.allclose(done.executed, episode.action(0 if tick == 0 else 1))
        lab.player.play(episode.before_action(tick + 1))
    assert lab.player.call('actuation_node/abort') == 'aborted'


def test_takeover_and_hand_back_wait_for_the_person_and_for_a_new_plan(lab):
    episode = lab.begin(2 * 10 ** 11)
    lab.plan(episode, 0, 2)
    lab.tick(episode, 0)
    lab.player.play(episode.before_action(1))
    lab.tick(episode, 1)
    # No step for tick 2; the person takes it, and the next.
    for tick in (2, 3):
        lab.player.play(episode.before_action(tick))
        lab.joy(episode, tick, held=True)
        done = lab.tick(episode, tick)
        assert done.source == TELEOP and done.person_share > 0.0
    lab.player.until(lambda: lab.player.event(episode, EpisodeEvent.TAKEN_OVER), 'the takeover')
    lab.plan(episode, 3, 9, version=7)  # made while the person drove
    lab.player.play(episode.before_action(4))
    lab.joy(episode, 4, held=False)
    done = lab.tick(episode, 4)
    assert (done.source, list(done.reasons)) == (HOLD, ['no action in time'])
    lab.player.until(lambda: lab.player.event(episode, EpisodeEvent.HANDED_BACK), 'the event')
    assert lab.player.event(episode, EpisodeEvent.HANDED_BACK).tick == 5
    lab.player.play(episode.before_action(5))
    lab.plan(episode, 5, 2, version=8)
    done = lab.tick(episode, 5)
    assert (done.source, done.weights_version) == (POLICY, 8)
    assert 0.0 < done.person_share < 1.0
    assert lab.player.call('actuation_node/abort') == 'aborted'


@pytest.mark.parametrize(('purpose', 'start'), [
    (ROLLOUT, 4), (EpisodeRequest.EVALUATION, 5), (EpisodeRequest.DEMONSTRATION, 6)])
def test_an_episode_of_learning_is_cut_and_an_evaluation_is_not(lab, purpose, start):
    episode = lab.begin(start * 10 ** 11, purpose)
    lab.plan(episode, 0, 14)
    for tick in range(14):
        if purpose == EpisodeRequest.DEMONSTRATION:
            lab.joy(episode, tick, held=False)
        if purpose == ROLLOUT and tick == 12:
            break
        lab.tick(episode, tick)
        lab.player.play(episode.before_action(tick + 1))
    if purpose == ROLLOUT:
        lab.player.until(lambda: lab.player.event(episode, EpisodeEvent.ENDED), 'the end')
        ended = lab.player.event(episode, EpisodeEvent.ENDED)
        assert (ended.outcome, ended.tick) == (EpisodeEvent.TIME_LIMIT, 12)
    else:
        assert lab.player.event(episode, EpisodeEvent.ENDED) is None
        assert lab.player.call('actuation_node/abort') == 'aborted'
