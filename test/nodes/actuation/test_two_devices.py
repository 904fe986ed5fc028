# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two teleop devices beside each other: one drives, it is named, and they don't alternate."""

from driven_hand import driven_hand
from geometry_msgs.msg import TwistStamped
from inril_ros.msg import ActuationStatus, EpisodeEvent, EpisodeRequest
import pytest
from sensor_msgs.msg import Joy

from inril_ros.robot.teleop.sources import source_tag

BEGUN = [EpisodeEvent.RESETTING, EpisodeEvent.STARTED]
SPACEMOUSE = source_tag('spacemouse', '/teleop_node', 'a1')
KEYBOARD = source_tag('keyboard', '/keys', 'b2')
RULES = {'max_age': 100.0, 'success_button': 1}


class Devices:
    """What people send; all that was driven."""

    def __init__(self, hand):
        self._hand, self.speeds = hand, []
        send = hand.node._report._executed.publish

        def publish(message):
            asked = message.requested
            self.speeds.append(round(float(asked[0]), 3) if len(asked) else None)
            send(message)
        hand.node._report._executed.publish = publish

    def send(self, source, held, speed=0.0, *buttons):
        header = self._hand.node.header(self._hand.node.now())
        header.frame_id = source
        twist = TwistStamped(header=header)
        twist.twist.linear.x = speed
        self._hand.give('teleop/twist', twist)
        self._hand.give('teleop/joy', Joy(header=header, axes=[0.0], buttons=[
            int(held), *(int(number in buttons) for number in range(1, 4))]))


@pytest.fixture
def demonstrated(tmp_path):
    def begin(hand):
        assert hand.begin('e1', EpisodeRequest.DEMONSTRATION) == BEGUN
        return Devices(hand)
    return begin


def test_an_idle_device_does_not_let_go_of_the_one_that_drives(tmp_path, demonstrated):
    with driven_hand(tmp_path, teleoperation=RULES) as hand:
        devices = demonstrated(hand)
        before = len(hand.statuses)
        for _ in range(20):
            devices.send(SPACEMOUSE, True, 0.1)
            devices.send(KEYBOARD, False)
            hand.tick()
        assert devices.speeds[-20:] == [0.1] * 20
        told = [status.reason for status in hand.statuses[before:]
                if status.mode == ActuationStatus.TELEOP]
        assert told == ['a person drives: spacemouse of /teleop_node']  # one change of mode


def test_a_second_person_waits_unless_the_device_stands_before(tmp_path, demonstrated):
    for order, driven in ([], 0.1), (['keyboard', 'spacemouse'], 0.7):
        with driven_hand(tmp_path, teleoperation={**RULES, 'order': order}) as hand:
            devices = demonstrated(hand)
            devices.send(SPACEMOUSE, True, 0.1)
            hand.tick()
            for _ in range(5):
                devices.send(SPACEMOUSE, True, 0.1)
                devices.send(KEYBOARD, True, 0.7)
                hand.tick()
            assert devices.speeds[-1] == driven


def test_a_button_that_one_device_holds_down_is_pressed_once(tmp_path, demonstrated):
    with driven_hand(tmp_path, teleoperation=RULES) as hand:
        devices, judged = demonstrated(hand), []
        hand.node._life.publish_verdict = lambda success: judged.append(success) or ''
        devices.send(SPACEMOUSE, True)
        for _ in range(10):
            devices.send(SPACEMOUSE, True, 0.0, 1)
            devices.send(KEYBOARD, False)
        assert judged == [True]


def test_devices_that_do_not_say_who_they_are_hold_the_arm_by_name(tmp_path, demonstrated):
    with driven_hand(tmp_path, teleoperation=RULES) as hand:
        devices = demonstrated(hand)
        with hand.another_node('pedal', Joy, 'teleop/joy'):
            devices.send('', True, 0.1)
            hand.look()
            hand.tick()
            assert devices.speeds[-1] == 0.1 and not hand.statuses[-1].faults  # it is alone
            with hand.another_node('gamepad', Joy, 'teleop/joy'):
                hand.look()
                hand.tick()
                assert hand.statuses[-1].mode == ActuationStatus.HOLD
                assert hand.statuses[-1].faults[0].startswith(
                    '/gamepad and /pedal all publish on /teleop/joy')
            hand.look()
            devices.send('', True, 0.1)
            hand.tick()
            assert devices.speeds[-1] == 0.1 and not hand.statuses[-1].faults
