# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The SROS2 policy of a robot: who may publish and hear what, from its contract.

    python -m inril_ros.graph.security_policy config/robots/ARM.yaml > policy.xml
    python -m inril_ros.graph.security_policy config/robots/ARM.yaml left right > policy.xml

Each process has an enclave of its own, ``/inril/<node>``, with the namespace before the node's
name where there is one. With namespaces after the contract the policy is that of several robots
that feed one learner, which is in none of them: no node of one robot may speak in another's. Only
the learner may publish weights, only the actuation node commands and executed actions, only the
recorder transitions. ``scripts/make_keystore.sh`` turns this into keys and signed permissions; see
docs/how_to/security.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
import sys
from xml.etree import ElementTree

from inril_ros.robot.contract.contract import Contract, load_contract

ENCLAVES = '/inril'
#: Of the world that is shipped, config/gazebo/arm_world.sdf; another one has its own name in them.
SCENE_SERVICES = ('/world/inril_arm/set_pose',)
_LIFECYCLE = ('change_state', 'get_state', 'get_available_states', 'get_available_transitions',
              'get_transition_graph')
#: Services of the actuation node that the keys of a terminal call.
_SAID_BY_KEYS = ('start', 'scene_ready', 'success', 'failure', 'abort', 'estop')
_PARAMETERS = ('describe_parameters', 'get_parameter_types', 'get_parameters', 'list_parameters',
               'set_parameters', 'set_parameters_atomically', 'get_type_description')


@dataclass(frozen=True)
class Rights:
    """What one process may do beside what every process may.

    Attributes:
        publishes: Topics.
        hears: Topics.
        answers: Services; ``~/`` stands for the node's name.
        asks: Services.
    """

    publishes: Iterable[str] = ()
    hears: Iterable[str] = ()
    answers: Iterable[str] = ()
    asks: Iterable[str] = ()


@dataclass(frozen=True)
class _Streams:
    """The topics of a contract, by what they are."""

    observed: list[str]
    commanded: list[str]
    cameras: list[str]
    driven: list[str]
    outcome: str
    reset: list[str] = field(default_factory=list)


def rights(contract: Contract, robots: Sequence[str] = ('',)) -> dict[str, Rights]:
    """Return what each process may do, by its namespace and name (``left/policy_node``).

    Args:
        contract: Of the robots.
        robots: Their namespaces; empty: one, in the root.
    """
    given = {f'{robot}/{name}'.lstrip('/'): own
             for robot in robots for name, own in _robot_rights(contract).items()}
    learner = _LEARNER if robots == ('',) else Rights(
        publishes=[f'{robot}/{topic}' for robot in robots for topic in _LEARNER.publishes],
        hears=[f'{robot}/{topic}' for robot in robots for topic in _LEARNER.hears],
        answers=_LEARNER.answers)
    return {**given, 'learner_node': learner}


_LEARNER = Rights(
    publishes=['weights/manifest', 'weights/pieces', 'learner/status', 'transition_ack'],
    hears=['transition', 'policy/status', 'weights/request'], answers=['~/save'])


def _robot_rights(contract: Contract) -> dict[str, Rights]:
    """Return what each process in a robot's namespace may do, by its name."""
    rules = contract.teleoperation
    streams = _Streams(
        observed=sorted(contract.observation_topics()), commanded=sorted(contract.action_topics()),
        cameras=sorted({camera.topic for camera in contract.cameras.values()}),
        driven=[rules.twist_topic, rules.joy_topic]
        + ([rules.joint_topic] if rules.joint_action else []),
        outcome=contract.episode.outcome_topic,
        reset=[contract.episode.reset_service] if contract.episode.reset_service else [])
    seen = [*streams.observed, *streams.cameras]
    return {
        'actuation_node': Rights(
            publishes=[*streams.commanded, 'executed_action', 'actuation/status', 'episode/event',
                       streams.outcome],
            hears=[*seen, *streams.driven, 'action_chunk', 'episode/request', 'episode/event',
                   streams.outcome],
            answers=['~/enable', '~/resume', *(f'~/{name}' for name in _SAID_BY_KEYS)],
            asks=streams.reset),
        'policy_node': Rights(
            publishes=['action_chunk', 'policy/status', 'weights/request'],
            hears=[*seen, 'episode/event', 'weights/manifest', 'weights/pieces',
                   'learner/status'],
            answers=['~/pin_version', '~/rollback', '~/hand_over']),
        'recorder_node': Rights(
            publishes=['transition', 'recorder/status', 'episode/event'],
            hears=[*seen, *streams.commanded, *streams.driven, 'executed_action', 'action_chunk',
                   'episode/event', 'transition_ack', streams.outcome]),
        'teleop_node': Rights(
            publishes=streams.driven, hears=[*seen, 'episode/event', 'executed_action'],
            asks=[f'actuation_node/{name}' for name in _SAID_BY_KEYS]),
        'sim_node': Rights(
            publishes=[*seen, streams.outcome, '/clock'], hears=streams.commanded,
            answers=streams.reset),
        'mock_arm_node': Rights(
            publishes=seen, hears=streams.commanded, answers=streams.reset),
        'gazebo_node': Rights(
            publishes=[streams.outcome], hears=streams.observed, answers=streams.reset,
            asks=SCENE_SERVICES),
        'conductor': Rights(
            publishes=['episode/request'],
            hears=['episode/event', 'actuation/status', 'policy/status', 'recorder/status',
                   'learner/status'],
            asks=['sim_node/set_parameters', 'gazebo_node/set_parameters', 'learner_node/save',
                  *(f'{node}/ready' for node in (
                      'actuation_node', 'policy_node', 'recorder_node', 'learner_node',
                      'teleop_node', 'sim_node', 'gazebo_node', 'mock_arm_node'))]),
    }


def policy_text(contract: Contract, robots: Sequence[str] = ('',)) -> str:
    """Return the policy as ``ros2 security create_permission`` reads it.

    Args:
        contract: Of the robots.
        robots: Their namespaces; empty: one, in the root.
    """
    root = ElementTree.Element('policy', version='0.2.0')
    enclaves = ElementTree.SubElement(root, 'enclaves')
    for path, own in rights(contract, robots).items():
        namespace, _, name = path.rpartition('/')
        enclave = ElementTree.SubElement(enclaves, 'enclave', path=f'{ENCLAVES}/{path}')
        profiles = ElementTree.SubElement(enclave, 'profiles')
        profile = ElementTree.SubElement(profiles, 'profile', ns=f'/{namespace}', node=name)
        managed = name != 'conductor'
        _entries(profile, 'topic', 'publish', [
            *own.publishes, '/rosout', '/parameter_events',
            *(['/diagnostics', f'{name}/transition_event'] if managed else [])])
        # Several simulations in lockstep have a clock each, in their namespaces.
        _entries(profile, 'topic', 'subscribe', [*own.hears, '/clock', '/parameter_events', *(
            ['clock'] if namespace else [])])
        _entries(profile, 'service', 'reply', [
            *own.answers, *(f'~/{service}' for service in _PARAMETERS),
            *(f'~/{service}' for service in ('ready', *_LIFECYCLE) if managed)])
        _entries(profile, 'service', 'request', own.asks)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding='unicode') + '\n'


def _entries(profile: ElementTree.Element, kind: str, right: str, names: Iterable[str]) -> None:
    unique = sorted(set(names))  # without a slash they are within the profile's namespace
    if unique:
        group = ElementTree.SubElement(profile, f'{kind}s', {right: 'ALLOW'})
        for name in unique:
            ElementTree.SubElement(group, kind).text = name


if __name__ == '__main__':
    print(policy_text(load_contract(sys.argv[1]), tuple(sys.argv[2:]) or ('',)), end='')
