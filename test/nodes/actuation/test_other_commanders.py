# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A second publisher on a topic of commands holds the arm, by name, until a person resumes."""

from driven_hand import driven_hand
from geometry_msgs.msg import TwistStamped
from inril_ros.msg import ActuationStatus, EpisodeEvent

from inril_ros.nodes.actuation import publisher_watch
from inril_ros.nodes.base.topic_publishers import NAMELESS

BEGUN = [EpisodeEvent.RESETTING, EpisodeEvent.STARTED]
WHO = '/forger publishes on /command, a topic of commands: stop that node, then resume'


def test_another_commander_latches_a_hold_with_its_name(tmp_path):
    with driven_hand(tmp_path) as hand:
        assert hand.begin('e1') == BEGUN
        hand.look()
        assert not hand.statuses[-1].latched
        with hand.another_node('forger', TwistStamped, 'command'):
            hand.look()
            hand.tick()
            status = hand.statuses[-1]
            assert status.mode == ActuationStatus.HOLD
            assert status.latched == WHO and WHO in status.faults and WHO in status.reason
            assert hand.call('resume') == (False, WHO)
        hand.look()
        hand.tick()
        assert hand.statuses[-1].latched == WHO  # it left: that alone moves nothing
        assert hand.call('resume') == (True, 'resumed')
        hand.look()
        assert not hand.statuses[-1].latched and not hand.statuses[-1].faults


def test_nothing_begins_and_no_consent_is_taken_while_another_commands(tmp_path):
    with driven_hand(tmp_path, enable_on_activate=False) as hand, \
            hand.another_node('forger', TwistStamped, 'command'):
        assert hand.call('enable', True) == (False, WHO)
        assert hand.begin('e1') == [EpisodeEvent.REFUSED]
        assert hand.events[-1].reason == WHO
        hand.look()
        assert not hand.statuses[-1].latched  # nothing to resume from: nothing was allowed


def test_a_second_node_of_the_same_name_is_another_commander(tmp_path):
    with driven_hand(tmp_path) as hand, \
            hand.another_node('actuation_node', TwistStamped, 'command'):
        hand.wait(lambda: hand.node.count_publishers('command') == 2)
        hand.look()
        assert hand.statuses[-1].latched.startswith(
            'another node called /actuation_node publishes on /command')


def test_a_name_that_is_told_later_replaces_its_absence(tmp_path, monkeypatch):
    with driven_hand(tmp_path) as hand:
        assert hand.begin('e1') == BEGUN
        for name, said in ((NAMELESS, NAMELESS), ('/forger', '/forger publishes on /command')):
            monkeypatch.setattr(publisher_watch, 'publishing_nodes', lambda *_, name=name: {
                '/actuation_node': 1, name: 1})
            hand.look()
            hand.tick()
            status = hand.statuses[-1]
            for text in (status.latched, status.reason, *status.faults):
                assert said in text


def test_a_dry_run_may_look_on_while_another_commands(tmp_path):
    with driven_hand(tmp_path, dry_run=True) as hand, \
            hand.another_node('forger', TwistStamped, 'command'):
        hand.look()
        assert hand.begin('e1') == BEGUN
        assert not hand.statuses[-1].latched
