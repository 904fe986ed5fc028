# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The security policy allows what the nodes do, and nobody else what only one of them may do."""

from dataclasses import replace
import os
from pathlib import Path, PurePosixPath
import re
import subprocess
from xml.etree import ElementTree

import pytest

from inril_ros.graph.description import (
    finetuning_graph,
    GraphOptions,
    NodeDescription,
    ros_arguments,
)
from inril_ros.graph.security_policy import policy_text, rights
from inril_ros.robot.contract.contract import load_contract

ROOT = Path(__file__).parents[2]
CONTRACTS = sorted((ROOT / 'config' / 'robots').glob('*.yaml'))


def publishers(contract, robots=('',)):
    """Return who may publish what, from the text of the policy: full topic -> full nodes."""
    found = {}
    for profile in ElementTree.fromstring(policy_text(contract, robots)).iter('profile'):
        namespace = PurePosixPath(profile.get('ns'))
        for group in profile.findall('topics'):
            if group.get('publish') == 'ALLOW':
                for topic in group:
                    found.setdefault(str(namespace / topic.text), set()).add(
                        str(namespace / profile.get('node')))
    return found


SIMULATIONS = {'/sim_node', '/mock_arm_node', '/gazebo_node'}


@pytest.mark.parametrize('path', CONTRACTS, ids=lambda path: path.stem)
def test_weights_commands_and_experience_have_one_publisher_each(path):
    contract = load_contract(path)
    found = publishers(contract)
    for topic in ('weights/manifest', 'weights/pieces', 'transition_ack', 'learner/status'):
        assert found[f'/{topic}'] == {'/learner_node'}
    for topic in (*contract.action_topics(), 'executed_action', 'actuation/status'):
        assert found[f'/{topic.lstrip("/")}'] == {'/actuation_node'}
    assert found['/transition'] == {'/recorder_node'}
    assert found['/action_chunk'] == {'/policy_node'}
    assert found['/episode/request'] == {'/conductor_node'}
    for topic in contract.observation_topics():
        assert found[f'/{topic.lstrip("/")}'] == {'/sim_node', '/mock_arm_node'}
    assert not [topic for topic in found if '*' in topic]


def test_the_judge_of_the_contract_may_publish_verdicts():
    contract = load_contract(ROOT / 'config' / 'robots' / 'mock_arm.yaml')
    unnamed = publishers(contract)['/outcome']
    for judge, more in (('vision_node', {'/vision_node'}), ('person', set())):
        judged = replace(contract, episode=replace(contract.episode, judge=judge))
        assert publishers(judged)['/outcome'] - unnamed == more


def test_only_the_classifier_may_judge_where_the_contract_names_it():
    contract = load_contract(ROOT / 'config' / 'robots' / 'metaworld_sawyer_cameras.yaml')
    assert '/reward_node' in publishers(contract)['/outcome'], 'any node may'
    for judge, allowed in (('reward_node', True), ('person', False), ('vision_node', False)):
        judged = replace(contract, episode=replace(contract.episode, judge=judge))
        assert ('/reward_node' in publishers(judged)['/outcome']) is allowed


def test_where_a_person_may_overrule_the_judge_only_the_judge_gives_the_verdicts_to_overrule():
    contract = load_contract(ROOT / 'config' / 'robots' / 'metaworld_sawyer_cameras.yaml')
    assert '/judge/verdict' not in publishers(contract)
    for judge in ('reward_node', 'vision_node'):
        judged = replace(contract, episode=replace(contract.episode, judge=judge, veto=3.0))
        assert publishers(judged)['/judge/verdict'] == {f'/{judge}'}


def test_robots_that_share_a_learner_have_no_rights_in_each_other_s_namespaces():
    contract = load_contract(ROOT / 'config' / 'robots' / 'mock_arm.yaml')
    robots = ('left', 'lab/right')
    found = publishers(contract, robots)
    for robot in robots:
        for topic in ('weights/manifest', 'weights/pieces', 'transition_ack', 'learner/status'):
            assert found[f'/{robot}/{topic}'] == {'/learner_node'}
        assert found[f'/{robot}/transition'] == {f'/{robot}/recorder_node'}
        for topic in contract.action_topics():
            assert found[f'/{robot}/{topic}'] == {f'/{robot}/actuation_node'}
    shared = {topic for topic, nodes in found.items() if len(nodes) > len(SIMULATIONS)}
    assert shared == {'/rosout', '/parameter_events', '/diagnostics'}
    root = ElementTree.fromstring(policy_text(contract, robots))
    told = finetuning_graph(GraphOptions(
        contract='arm.yaml', run_id='', mock_arm=True, robots=robots, journal='j', pretrained='p',
        demonstrations='d', finetune_config='f', run_dir='r'))
    enclaves = {enclave.get('path') for enclave in root.iter('enclave')}
    for node in told.nodes:
        arguments = ros_arguments(node)
        assert arguments[arguments.index('--enclave') + 1] in enclaves


def test_every_topic_that_a_node_names_is_in_its_rights():
    """Read from the sources: a stream that is added must be allowed to somebody."""
    given = rights(load_contract(ROOT / 'config' / 'robots' / 'metaworld_sawyer_cameras.yaml'))
    allowed = {name for each in given.values()
               for name in (*each.publishes, *each.subscribes, *each.serves, *each.calls)}
    call = re.compile(
        r"create_(?:publisher|subscription|service)\(\s*\w+,\s*'([~\w/]+)'|'(~/\w+)'")
    named = {name for path in (ROOT / 'inril_ros' / 'nodes').rglob('*.py')
             if not path.stem.startswith('graph_')
             for both in call.findall(path.read_text()) for name in both if name}
    assert {'weights/request', '~/rollback', 'action_chunk', '~/abort'} <= named
    missing = named - allowed - {f'/{name}' for name in allowed}
    assert missing == {'~/ready', '/clock'} - allowed  # all have the first


def test_the_policy_that_is_shipped_is_the_one_that_is_made():
    path = ROOT / 'config' / 'security' / 'metaworld_sawyer.xml'
    assert path.read_text() == policy_text(
        load_contract(ROOT / 'config' / 'robots' / 'metaworld_sawyer.yaml')), (
        f'run: python -m inril_ros.graph.security_policy config/robots/metaworld_sawyer.yaml '
        f'> {path.relative_to(ROOT)}')


def test_each_process_is_started_in_its_own_enclave():
    arguments = ros_arguments(NodeDescription('policy_node', 'policy_node'))
    assert arguments[arguments.index('--enclave') + 1] == '/inril/policy_node'


def test_without_ros2_security_the_script_says_so(tmp_path):
    environment = {**os.environ, 'PATH': '/usr/bin:/bin'}
    for arguments, status, words in (
            ([], 2, 'make_keystore.sh config/robots'),
            (['contract.yaml', str(tmp_path / 'keys')], 1, 'ros2 security is not here')):
        made = subprocess.run([ROOT / 'scripts' / 'make_keystore.sh', *arguments],
                              env=environment, capture_output=True, text=True)
        assert made.returncode == status and words in made.stderr
    assert not (tmp_path / 'keys').exists()
