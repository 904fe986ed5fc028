# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every publisher of the graph can connect to every subscription of its topic.

The nodes make their streams as in a run and the profiles are read; nothing is spun.
With incompatible profiles ROS makes no connection, and only logs a warning.
"""

from itertools import product
from pathlib import Path

import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    qos_check_compatible,
    QoSCompatibility,
    ReliabilityPolicy,
)

from inril_ros.nodes.actuation_node import ActuationNode
from inril_ros.nodes.base import qos
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.learner_node import LearnerNode
from inril_ros.nodes.policy_node import PolicyNode
from inril_ros.nodes.recorder_node import RecorderNode
from inril_ros.nodes.sim_node import SimNode
from inril_ros.nodes.teleop_node import TeleopNode
from inril_ros.robot.contract.contract import load_contract

CONFIG = Path(__file__).parents[2] / 'config'
PATH = CONFIG / 'robots' / 'metaworld_sawyer.yaml'
CONTRACT = load_contract(PATH)
COMMANDS = {*CONTRACT.action_topics(), CONTRACT.teleoperation.twist_topic,
            CONTRACT.teleoperation.joy_topic}
# Streams with one end in this graph: the other end is the robot, the camera, a person's tools or a
# classifier, which sees through cameras that this contract's policy hasn't.
OPEN_ENDED = {'/clock', '/conductor/status', '/diagnostics', '/evaluation/status',
              '/judge/status', '/parameter_events', '/rosout', '/transition_event'}


def streams_of(node, found):
    for kind, ends in (('publishers', node.publishers), ('subscriptions', node.all_subscriptions)):
        for end in ends:
            if not end.topic_name.endswith(tuple(OPEN_ENDED)):
                found.setdefault(end.topic_name.lstrip('/'), {}).setdefault(kind, []).append(
                    (node.get_name(), end.qos_profile))


def nodes_of_a_run(lockstep, folder, context):
    """Each node of the graph, configured."""
    shared = {'contract': str(PATH), 'lockstep': lockstep}
    special = {
        ActuationNode: {}, PolicyNode: {}, LearnerNode: {'run_dir': str(folder)},
        TeleopNode: {'task': 'pick-place'},
        RecorderNode: {'demonstrations': str(folder / 'demonstrations'),
                       'journal': str(folder / 'journal')},
        SimNode: {'simulation': str(CONFIG / 'simulations' / 'metaworld.yaml'),
                  'task': 'pick-place'}}
    for make, parameters in special.items():
        node = make(context=context, parameter_overrides=[
            Parameter(name, value=value) for name, value in {**shared, **parameters}.items()])
        yield node
        assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS, node.get_name()


@pytest.fixture(scope='module', params=[True, False], ids=['lockstep', 'real time'])
def streams(request, tmp_path_factory):
    """Profiles by topic and direction: {topic: {'publishers': [(node, profile)], ...}}."""
    folder = tmp_path_factory.mktemp('run')
    context, found, nodes = Context(), {}, []
    rclpy.init(context=context)
    with pytest.MonkeyPatch.context() as patch, Conductor('', '') as conductor:
        # Its streams don't depend on what it learns.
        patch.setattr(LearnerNode, '_build_session', lambda node, store: (None, []))
        streams_of(conductor._node, found)
        for node in nodes_of_a_run(request.param, folder, context):
            nodes.append(node)
        for node in nodes:
            streams_of(node, found)
            if isinstance(node, RecorderNode):
                node.teardown()
            node.destroy_node()
    context.try_shutdown()
    return found


def test_each_publisher_is_compatible_with_each_subscription(streams):
    wrong = []
    for topic, ends in streams.items():
        for (sender, offered), (receiver, wanted) in product(
                ends.get('publishers', ()), ends.get('subscriptions', ())):
            verdict, reason = qos_check_compatible(offered, wanted)
            if verdict == QoSCompatibility.ERROR:  # a warning is about defaults it can't know
                wrong.append(f'{topic}: {sender} to {receiver}: {reason}')
    assert not wrong


def test_the_streams_of_the_graph_have_both_ends(streams):
    ours = {'action_chunk', 'executed_action', 'episode/request', 'episode/event', 'transition',
            'transition_ack', 'weights/manifest', 'weights/pieces', 'outcome', 'actuation/status',
            'policy/status', 'learner/status', 'recorder/status', 'weights/request'}
    cameras = {camera.topic for camera in CONTRACT.cameras.values()}
    assert ours | COMMANDS | set(CONTRACT.observation_topics()) == set(streams) - cameras
    one_ended = {topic for topic, ends in streams.items() if len(ends) < 2}
    assert one_ended <= cameras


def test_no_command_is_latched_and_only_the_newest_one_counts_in_real_time(streams, request):
    for topic in COMMANDS:
        for _, profile in streams[topic]['publishers']:
            assert profile.durability == DurabilityPolicy.VOLATILE
            assert profile.history == HistoryPolicy.KEEP_LAST
    depths = {profile.depth for topic in COMMANDS for _, profile in streams[topic]['publishers']}
    lockstep = request.node.callspec.params['streams']
    assert depths == {qos.LOCKSTEP.depth if lockstep else 1}


def test_essential_topics_are_reliable_at_both_ends(streams):
    for topic in ('episode/request', 'episode/event', 'executed_action', 'transition', 'outcome',
                  'transition_ack', 'weights/manifest', 'weights/pieces', *COMMANDS):
        offered = {profile.reliability for _, profile in streams[topic]['publishers']}
        assert offered == {ReliabilityPolicy.RELIABLE}
    for topic in ('episode/event', 'executed_action', 'transition', 'weights/pieces'):
        for _, profile in streams[topic]['subscriptions']:
            assert profile.reliability == ReliabilityPolicy.RELIABLE


def test_lockstep_loses_no_observation():
    for profile in (qos.observations(lockstep=True), qos.commands(lockstep=True)):
        assert profile.reliability == ReliabilityPolicy.RELIABLE
        assert profile.depth >= CONTRACT.time_limit_ticks


def test_late_joiners_get_only_states_and_weights():
    latched = {name for name in dir(qos) if name.isupper()
               and getattr(qos, name).durability == DurabilityPolicy.TRANSIENT_LOCAL}
    assert latched == {'STATE', 'MANIFEST', 'WEIGHTS', 'LATCHED'}
