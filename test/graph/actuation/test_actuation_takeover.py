# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person takes over at any tick and hands back: no jump, old plans are void, events sent."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from inril_ros.msg import ActuationStatus, EpisodeEvent, EpisodeRequest, ExecutedAction, Outcome
import numpy as np
from played_robot import DEADMAN, described, DISCARD, FAILURE, playing, SUCCESS
import pytest

from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.robot.episode import EpisodeOutcome, Purpose

POLICY, TELEOP, HOLD = ExecutedAction.POLICY, ExecutedAction.TELEOP, ExecutedAction.HOLD
NEAR = np.array([0.6, 0.4])


@pytest.fixture(scope='module')
def node(tmp_path_factory):
    with playing(tmp_path_factory.mktemp('takeover'), enable_on_activate=True,
                 watch_cameras=False) as (robot, nodes):
        robot.until(lambda: robot.status and robot.status.enabled, 'activation')
        yield robot, nodes


@pytest.fixture
def robot(node):
    robot, nodes = node
    robot.target, robot.leader, robot.buttons = NEAR, np.array([-0.3, 1.0]), set()
    yield robot
    nodes.check()
    robot.leader, robot.buttons = None, set()
    robot.call('abort')
    robot.until(robot.rests, 'rest')


def settle(robot):
    robot.until(lambda: np.abs(robot.joints - NEAR).max() < 1e-3, 'the target')


def drive(robot, step, ticks):
    """Let the leader arm move by a step per tick."""
    for _ in range(ticks):
        robot.leader = robot.leader + step
        tick = robot.wait_tick(lambda tick: True)
    return tick


def test_takeover_and_hand_back_without_a_jump(robot):
    episode, since = robot.begin(), len(robot.commands)
    settle(robot)
    begun = robot.wait_policy()
    assert begun.person_share == 0.0
    # The leader has another pose; holding the button takes over from both current poses.
    robot.buttons = {DEADMAN}
    taken = robot.wait(episode, EpisodeEvent.TAKEN_OVER)
    first = next(tick for tick in robot.executed if tick.source == TELEOP
                 and tick.episode_id == episode)
    assert 0.0 < first.person_share < 1.0 and taken.tick == first.tick + 1
    robot.wait_tick(lambda tick: tick.source == TELEOP and tick.person_share == 1.0)
    assert np.abs(robot.joints - NEAR).max() < 0.02
    moved = drive(robot, np.array([0.0, 0.012]), 20)
    assert moved.source == TELEOP
    robot.until(lambda: robot.joints[1] - NEAR[1] > 0.2, 'the way of the leader')
    robot.until(lambda: robot.status.mode == ActuationStatus.TELEOP, 'the mode')
    robot.buttons = set()
    handed = robot.wait(episode, EpisodeEvent.HANDED_BACK)
    back = robot.wait_tick(lambda tick: tick.source == POLICY)
    # No step that was planned before or while the person drove was executed.
    assert all(tick.chunk_first_tick >= handed.tick - 1 for tick in robot.executed
               if tick.source == POLICY and tick.tick >= handed.tick)
    between = [tick for tick in robot.executed
               if tick.episode_id == episode and handed.tick - 1 <= tick.tick < back.tick]
    assert all(tick.reasons == ['no action in time'] for tick in between if tick.source == HOLD)
    robot.wait_tick(lambda tick: tick.source == POLICY and tick.person_share == 0.0)
    settle(robot)
    robot.check_motion(since)
    robot.until(lambda: robot.status.interventions == 1 and robot.status.intervention_rate > 0.1,
                'the intervention in the status')
    assert robot.status.person_ticks >= 20


@pytest.mark.parametrize('helped', [True, False])
def test_a_success_is_the_policy_s_only_if_no_person_commanded_in_it(robot, helped):
    episode = str(uuid4())
    with Conductor('', '', robot.domain_id) as conductor, ThreadPoolExecutor(1) as thread:
        conductor.wait_ready(('actuation_node',))
        running = thread.submit(conductor.run_episode, episode, Purpose.EVALUATION, seed=0)
        robot.wait_policy()
        if helped:
            robot.buttons = {DEADMAN}
            robot.wait(episode, EpisodeEvent.TAKEN_OVER)
            robot.buttons = set()
            robot.wait(episode, EpisodeEvent.HANDED_BACK)
        robot.buttons = {SUCCESS}
        result = running.result(timeout=60)
    driven = sum(tick.source == TELEOP for tick in robot.executed if tick.episode_id == episode)
    assert result.outcome is EpisodeOutcome.SUCCESS
    assert (result.success, result.rescued) == (not helped, helped)
    assert result.person_ticks == driven and (driven > 0) is helped


def test_a_device_that_goes_silent_in_motion_hands_back(robot):
    episode, since = robot.begin(), len(robot.commands)
    robot.buttons = {DEADMAN}
    robot.wait(episode, EpisodeEvent.TAKEN_OVER)
    drive(robot, np.array([0.02, 0.0]), 10)
    robot.leader = None
    robot.wait(episode, EpisodeEvent.HANDED_BACK)
    robot.wait_policy()
    robot.check_motion(since)


def test_in_a_demonstration_letting_go_in_motion_brakes_and_holds(robot):
    episode = robot.begin(purpose=EpisodeRequest.DEMONSTRATION)
    since = len(robot.commands)
    robot.wait_held('no action in time')  # the policy sends chunks, which are ignored
    robot.buttons = {DEADMAN}
    robot.wait_tick(lambda tick: tick.source == TELEOP and tick.person_share == 1.0)
    drive(robot, np.array([0.02, 0.0]), 15)
    robot.buttons = set()
    robot.wait_held('no action in time')
    robot.until(robot.rests, 'rest')
    robot.check_motion(since)
    assert not any(tick.source == POLICY for tick in robot.executed
                   if tick.episode_id == episode)


@pytest.mark.parametrize(('button', 'outcome', 'reward'), [
    (SUCCESS, EpisodeEvent.SUCCESS, 1.0), (FAILURE, EpisodeEvent.FAILURE, 0.0)])
def test_a_person_judges_by_a_button(robot, button, outcome, reward):
    robot.buttons = {button}  # already held: no judgement of the new episode
    episode = robot.begin()
    robot.wait_policy()
    assert robot.event(episode, EpisodeEvent.ENDED) is None
    robot.buttons = set()
    robot.wait_tick(lambda tick: True)
    robot.wait_tick(lambda tick: True)
    before = len(robot.outcomes)
    robot.buttons = {button}
    ended = robot.wait(episode, EpisodeEvent.ENDED)
    assert (ended.outcome, ended.reason) == (outcome, 'judged by a person')
    robot.until(lambda: len(robot.outcomes) > before, 'the verdict')
    verdict = robot.outcomes[-1]
    assert verdict.outcome == (Outcome.SUCCESS if reward else Outcome.FAILURE)
    assert verdict.reward == reward


def test_a_person_discards_by_a_button(robot):
    episode = robot.begin()
    robot.until(lambda: len(robot.executed) > 5, 'ticks')
    robot.buttons = {DISCARD}
    ended = robot.wait(episode, EpisodeEvent.ENDED)
    assert (ended.outcome, ended.reason) == (EpisodeEvent.ABORTED, 'discarded by a person')


def test_moving_the_device_takes_over_if_the_contract_says_so(tmp_path):
    description = described(teleoperation__takeover='motion', teleoperation__release_after=0.4,
                            teleoperation__motion_threshold=0.1)
    with playing(tmp_path, description, enable_on_activate=True,
                 watch_cameras=False) as (robot, nodes):
        robot.target, robot.leader = NEAR, np.array([0.0, 0.0])
        robot.until(lambda: robot.status and robot.status.enabled, 'activation')
        episode = robot.begin()
        settle(robot)
        assert robot.event(episode, EpisodeEvent.TAKEN_OVER) is None  # the leader rests
        drive(robot, np.array([0.02, 0.0]), 6)
        robot.wait(episode, EpisodeEvent.TAKEN_OVER)
        robot.wait(episode, EpisodeEvent.HANDED_BACK)  # it rests again
        robot.wait_policy()
        robot.check_motion()
        nodes.check()
