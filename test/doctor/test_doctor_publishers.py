# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The doctor names who commands, judges or teaches beside those that should."""

from dataclasses import replace
from pathlib import Path

import pytest

from inril_ros.doctor.publishers import check_publishers, published_topics
from inril_ros.robot.contract.contract import load_contract

CONTRACT = load_contract(Path(__file__).parents[2] / 'config' / 'robots' / 'gazebo_arm.yaml')
COMMANDS = 'joint_trajectory_controller/joint_trajectory'
OURS = {COMMANDS: ['/actuation_node'], 'outcome': ['/actuation_node', '/gazebo_node'],
        'teleop/joy': ['/teleop_node'], 'transition': ['/recorder_node'],
        'transition_ack': ['/learner_node'], 'weights/manifest': ['/learner_node']}


def found(contract=CONTRACT, **more):
    publishers = {**OURS, **{topic.replace('__', '/'): names for topic, names in more.items()}}
    assert publishers.keys() <= set(published_topics(contract))
    return [(finding.level, finding.what) for finding in check_publishers(contract, publishers)]


def test_the_graph_s_own_publishers_are_no_fault():
    assert [level for level, _ in found()] == ['note', 'ok']
    judged = replace(CONTRACT, episode=replace(CONTRACT.episode, judge='gazebo_node'))
    assert [level for level, _ in found(judged)] == ['ok']


@pytest.mark.parametrize(('publishers', 'level', 'words'), [
    ({COMMANDS: ['/actuation_node', '/forger']}, 'error', '/forger publishes commands'),
    ({COMMANDS: ['/actuation_node', '/actuation_node']}, 'error', '2 actuation nodes'),
    ({'teleop/joy': ['/pedal', '/gamepad']}, 'warning', '/gamepad and /pedal publish there'),
    ({'teleop/joy': ['/teleop_node', '/keys/teleop_node']}, 'note', 'one drives at a time'),
    ({'weights/manifest': ['/learner_node', '/other']}, 'warning', '/learner_node and /other'),
    ({'transition_ack': ['/learner_node', '/other']}, 'warning', 'one node should'),
])
def test_whoever_is_beside_them_is_named(publishers, level, words):
    findings = [what for each, what in found(**publishers) if each == level]
    assert any(words in what for what in findings)


def test_another_than_the_judge_of_the_contract_is_an_error():
    judged = replace(CONTRACT, episode=replace(CONTRACT.episode, judge='vision_node'))
    assert ('error', 'outcome: /gazebo_node publishes verdicts, the judge of the contract is '
                     'vision_node') in found(judged)
    overruled = replace(judged, episode=replace(judged.episode, veto=3.0))
    assert any('judge/verdict: /forger publishes verdicts' in what
               for _, what in found(overruled, judge__verdict=['/vision_node', '/forger']))
