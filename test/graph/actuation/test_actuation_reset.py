# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Between episodes: homing within limits and box, the reset service, a person; never learned."""

from inril_ros.msg import ActuationStatus, EpisodeEvent
import numpy as np
from played_robot import described, playing, READY
import pytest

HOME = np.array([1.2, -2.0])
MIRRORED = np.array([-1.2, 2.0])  # the straight line between the two leaves the box
DESCRIPTION = described(
    episode__home={'shoulder': 1.2, 'elbow': -2.0}, episode__home_speed=0.5,
    episode__ready='person', workspace__maximum=[0.65, 0.65, 1.0])


@pytest.fixture(scope='module')
def node(tmp_path_factory):
    with playing(tmp_path_factory.mktemp('reset'), DESCRIPTION, enable_on_activate=True,
                 watch_cameras=False) as (robot, nodes):
        robot.until(lambda: robot.status and robot.status.enabled, 'activation')
        yield robot, nodes


@pytest.fixture
def robot(node):
    robot, nodes = node
    robot.place([0.9, -1.2])
    robot.target, robot.leader = HOME, None
    robot.reset_works, robot.buttons = True, set()
    yield robot
    nodes.check()
    robot.release()


def wait_for_person(robot):
    robot.until(lambda: 'a person' in robot.status.waiting_for, 'the wait for a person')


def test_home_then_the_service_then_a_person(robot):
    before, commands, executed = robot.resets, len(robot.commands), len(robot.executed)
    assert robot.call('scene_ready') == (False, 'no episode waits for this')
    episode = robot.ask()
    robot.until(lambda: robot.status.mode == ActuationStatus.RESET, 'the reset')
    assert robot.resets == before
    robot.until(lambda: robot.resets > before, 'the reset service')
    assert np.abs(robot.joints - HOME).max() < 0.02  # the service is called when it is at home
    wait_for_person(robot)
    assert robot.event(episode, EpisodeEvent.STARTED) is None
    assert len(robot.executed) == executed  # the reset has no actions of the episode
    robot.check_motion(commands)
    assert robot.call('scene_ready') == (True, 'the episode begins')
    robot.wait(episode, EpisodeEvent.STARTED)
    robot.wait_policy()


def test_a_button_reports_the_person_as_ready(robot):
    episode = robot.ask()
    robot.leader = np.zeros(2)
    wait_for_person(robot)
    robot.buttons = {READY}
    robot.wait(episode, EpisodeEvent.STARTED)


def test_a_way_home_that_leaves_the_box_is_refused(robot):
    robot.place(MIRRORED)
    commands = len(robot.commands)
    ended = robot.wait(robot.ask(), EpisodeEvent.ENDED)
    assert ended.outcome == EpisodeEvent.ABORTED
    assert ended.reason == 'reset refused: the way home leaves the workspace'
    assert len(robot.commands) == commands


def test_a_reset_service_that_fails_ends_the_episode_with_its_reason(robot):
    robot.reset_works = False
    ended = robot.wait(robot.ask(), EpisodeEvent.ENDED)
    assert ended.outcome == EpisodeEvent.ABORTED
    assert ended.reason == 'the reset service failed: the box is jammed'


def test_the_estop_stops_homing(robot):
    commands = len(robot.commands)
    episode = robot.ask()
    robot.until(lambda: len(robot.commands) > commands + 5, 'motion')
    robot.call('estop', True)
    ended = robot.wait(episode, EpisodeEvent.ENDED)
    assert ended.outcome == EpisodeEvent.ABORTED and 'e-stop' in ended.reason
    robot.until(robot.rests, 'rest')
    assert np.abs(robot.joints - HOME).max() > 0.02
    robot.check_motion(commands)


def test_the_next_episode_can_be_requested_while_the_arm_still_brakes(robot):
    first = robot.ask()
    wait_for_person(robot)
    robot.target = HOME - 0.4
    robot.call('scene_ready')
    robot.wait(first, EpisodeEvent.STARTED)
    robot.until(lambda: np.abs(robot.joints - HOME).max() > 0.05, 'motion')
    robot.call('abort')
    second = robot.ask()
    wait_for_person(robot)
    assert robot.event(second, EpisodeEvent.REFUSED) is None
    assert np.abs(robot.joints - HOME).max() < 0.02
