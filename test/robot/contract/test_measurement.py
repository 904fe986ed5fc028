# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each commanded joint is measured in one place, or the contract is refused with what to write."""

import pytest
from twin_arms import description, JOINTS, LEFT, observed, RIGHT
import yaml

from inril_ros.robot.contract.contract import ContractError, load_contract, parse_contract

RAW = {'topic': 'raw/joint_states', 'type': 'sensor_msgs/msg/JointState', 'joints': JOINTS}


def one_arm(**observations):
    """Return a contract's data with the left arm alone and further observations."""
    data = description(measured_by=False)
    del data['observations']['right'], data['actions']['right']
    data['policy_observations'] = ['left']
    data['observations'].update(observations)
    return data


def test_an_arm_that_says_what_measures_it_has_its_own_pose():
    contract = parse_contract(description())
    assert contract.measured('left', observed()).tolist() == LEFT.tolist()
    assert contract.measured('right', observed()).tolist() == RIGHT.tolist()
    assert [place.topic for place in contract.places('right')] == ['right/joint_states'] * 2


def test_joints_of_the_same_name_on_two_topics_are_refused_with_the_line_to_write(tmp_path):
    path = tmp_path / 'twins.yaml'
    path.write_text(yaml.safe_dump(description(measured_by=False), sort_keys=False))
    line = 1 + path.read_text().splitlines().index('actions:') + 1
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    for words in (f'line {line}: actions.left', "['shoulder', 'elbow']", 'left/joint_states',
                  'right/joint_states', 'measured_by: [left] or measured_by: [right]'):
        assert words in str(caught.value)


def test_two_observations_of_one_topic_are_one_source():
    again = {'topic': 'left/joint_states', 'type': 'sensor_msgs/msg/JointState',
             'joints': ['elbow']}
    contract = parse_contract(one_arm(again=again))
    assert {place.observation for place in contract.places('left')} == {'left'}


def test_joints_of_one_action_may_be_measured_on_two_topics():
    data = one_arm(gripper={**RAW, 'joints': ['finger']})
    data['actions']['left'].update(joints=[*JOINTS, 'finger'], minimum=[-1.0] * 3,
                                   maximum=[1.0] * 3)
    assert [place.observation for place in parse_contract(data).places('left')] == [
        'left', 'left', 'gripper']


def test_a_command_that_is_observed_too_measures_nothing():
    wanted = {'topic': 'left/command', 'type': 'trajectory_msgs/msg/JointTrajectory',
              'joints': JOINTS}
    data = one_arm(wanted=wanted)
    assert {place.observation for place in parse_contract(data).places('left')} == {'left'}
    data['actions']['left']['measured_by'] = ['wanted']
    with pytest.raises(ContractError, match=r"measured_by names \['wanted'\].*\['left'\]"):
        parse_contract(data)


@pytest.mark.parametrize(('observation', 'named', 'words'), [
    (RAW, ['lft'], r"measured_by names \['lft'\].*\['left', 'other'\]"),
    ({**RAW, 'quantity': 'velocity'}, ['other'], r"measured_by names \['other'\].*\['left'\]"),
    ({**RAW, 'joints': ['elbow']}, ['other'],
     r"\['other'\] do not measure the joints \['shoulder'\]; they have \['elbow'\]"),
    (RAW, ['left', 'other'], 'measured on several topics')])
def test_an_action_that_names_the_wrong_observation_is_refused(observation, named, words):
    data = one_arm(other=observation)
    data['actions']['left']['measured_by'] = named
    with pytest.raises(ContractError, match=words):
        parse_contract(data)


def test_an_action_without_joints_is_measured_by_nothing():
    data = one_arm()
    data['actions']['hand'] = {
        'topic': 'twist', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-1.0] * 3, 'maximum': [1.0] * 3, 'measured_by': ['left']}
    with pytest.raises(ContractError, match='actions.hand.measured_by: the action has no joints'):
        parse_contract(data)


def test_two_actions_that_command_one_joint_are_refused():
    data = description()
    data['actions']['right']['measured_by'] = ['left']
    with pytest.raises(ContractError, match=(
            r"actions.right commands the joints \['shoulder', 'elbow'\], which actions.left "
            'commands too')):
        parse_contract(data)


def test_two_velocity_commands_for_joints_that_nothing_measures_are_refused():
    data = description(measured_by=False, quantity='velocity', hold='zero')
    data['observations'] = {'left': {**data['observations']['left'], 'quantity': 'velocity'}}
    data['policy_observations'] = ['left']
    with pytest.raises(ContractError, match='two commands would fight for one joint'):
        parse_contract(data)
    data['actions']['right']['joints'] = ['wrist', 'finger']
    assert parse_contract(data).places('right') == ()


def test_a_home_names_the_action_where_two_have_the_joint():
    data = description()
    data['episode']['home'] = {'left.shoulder': 0.5, 'right.elbow': -0.5}
    contract = parse_contract(data)
    assert contract.home('left') == {'shoulder': 0.5}
    assert contract.home('right') == {'elbow': -0.5}
    data['episode']['home'] = {'shoulder': 0.5}
    with pytest.raises(ContractError, match=(
            "episode.home names 'shoulder', which is a joint of several actions: write "
            'left.shoulder and right.shoulder')):
        parse_contract(data)


def test_a_home_may_name_an_action_that_is_alone_but_a_joint_only_once():
    data = one_arm()
    data['episode']['home'] = {'left.shoulder': 0.5, 'elbow': 1.0}
    assert parse_contract(data).home('left') == {'shoulder': 0.5, 'elbow': 1.0}
    data['episode']['home'] = {'left.elbow': 0.5, 'elbow': 1.0}
    with pytest.raises(ContractError, match="one joint twice: 'left.elbow' and 'elbow'"):
        parse_contract(data)
    data['episode']['home'] = {'left.wrist': 0.5}
    with pytest.raises(ContractError, match="'left.wrist', which is none of the joints"):
        parse_contract(data)
