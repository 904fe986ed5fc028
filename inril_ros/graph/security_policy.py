# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The SROS2 policy of a robot: what each process may publish and subscribe to.

    python -m inril_ros.graph.security_policy config/robots/ARM.yaml > policy.xml
    python -m inril_ros.graph.security_policy config/robots/ARM.yaml left right > policy.xml

Each process has its own enclave, ``/inril/<node>``, with the namespace, if any, before the name.
Namespaces after the contract make the policy of several robots with one learner, which is in none
of the namespaces: no node of one robot may publish in another's. Only the learner may publish
weights, only the actuation node commands and executed actions, only the recorder transitions.
``scripts/make_keystore.sh`` makes keys and permissions from it; see docs/how_to/security.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
import sys
from xml.etree import ElementTree

from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.contract.rules import CLASSIFIER
from inril_ros.robot.teleop.person_keys import KEY_SERVICES

ENCLAVES = '/inril'
#: Of our world, config/gazebo/arm_world.sdf; the services of another world have its name.
SCENE_SERVICES = ('/world/inril_arm/set_pose',)
_LIFECYCLE = ('change_state', 'get_state', 'get_available_states', 'get_available_transitions',
              'get_transition_graph')
_PARAMETERS = ('describe_parameters', 'get_parameter_types', 'get_parameters', 'list_parameters',
               'set_parameters', 'set_parameters_atomically', 'get_type_description')


@dataclass(frozen=True)
class Rights:
    """Rights of one process, in addition to those that all processes have.

    Attributes:
        publishes: Topics that it publishes.
        subscribes: Topics that it subscribes to.
        serves: Services that it offers; ``~/`` stands for the node's name.
        calls: Services that it calls.
    """

    publishes: Iterable[str] = ()
    subscribes: Iterable[str] = ()
    serves: Iterable[str] = ()
    calls: Iterable[str] = ()


def rights(contract: Contract, robots: Sequence[str] = ('',)) -> dict[str, Rights]:
    """Return the rights of each process by its namespace and name (``left/policy_node``).

    Args:
        contract: Contract of the robots.
        robots: Namespaces of the robots; an empty one is the root.
    """
    # The learner of several robots is in none of their namespaces.
    learner_name = 'learner_node' if robots == ('',) else '/learner_node'
    given = {f'{robot}/{name}'.lstrip('/'): own
             for robot in robots for name, own in _robot_rights(contract, learner_name).items()}
    learner = _LEARNER if robots == ('',) else Rights(
        publishes=[f'{robot}/{topic}' for robot in robots for topic in _LEARNER.publishes],
        subscribes=[f'{robot}/{topic}' for robot in robots for topic in _LEARNER.subscribes],
        serves=_LEARNER.serves)
    return {**given, 'learner_node': learner}


_LEARNER = Rights(
    publishes=['weights/manifest', 'weights/pieces', 'learner/status', 'transition_ack'],
    subscribes=['transition', 'policy/status', 'weights/request'], serves=['~/save'])

_PERSON = Rights(
    subscribes=['episode/event', 'actuation/status', 'policy/status', 'recorder/status',
                'learner/status', 'conductor/status'],
    calls=KEY_SERVICES)


def _robot_rights(contract: Contract, learner_name: str) -> dict[str, Rights]:
    """Return the rights of each process in a robot's namespace, by its name."""
    rules = contract.teleoperation
    commanded = sorted(contract.action_topics())
    observed = sorted(contract.observation_topics())
    seen = [*observed, *sorted({camera.topic for camera in contract.cameras.values()})]
    driven = [rules.twist_topic, rules.joy_topic, *(
        [rules.joint_topic] if rules.joint_action else [])]
    outcome = contract.episode.outcome_topic
    verdicts = contract.episode.verdict_topics
    reset = [contract.episode.reset_service] if contract.episode.reset_service else []
    judge = contract.episode.judge
    named = {}
    if judge in ('', CLASSIFIER) and contract.policy_images is not None:
        named = {CLASSIFIER: Rights(
            publishes=[*verdicts, 'judge/probability', 'judge/status'],
            subscribes=[*seen, 'episode/event', 'truth'], serves=['~/count_anew'])}
    elif judge not in ('', 'person') and '/' not in judge:
        named = {judge: Rights(publishes=verdicts, subscribes=[*seen, 'episode/event'])}
    return {
        **named,
        'actuation_node': Rights(
            publishes=[*commanded, 'executed_action', 'actuation/status', 'episode/event',
                       outcome],
            subscribes=[*seen, *driven, 'action_chunk', 'episode/request', 'episode/event',
                   *verdicts],
            serves=[service.replace('actuation_node', '~') for service in KEY_SERVICES
                    if service.startswith('actuation_node/')],
            calls=reset),
        'policy_node': Rights(
            publishes=['action_chunk', 'policy/status', 'weights/request'],
            subscribes=[*seen, 'episode/event', 'weights/manifest', 'weights/pieces',
                   'learner/status'],
            serves=['~/pin_version', '~/rollback', '~/hand_over', '~/hold_version'],
            calls=['actuation_node/abort']),
        'recorder_node': Rights(
            publishes=['transition', 'recorder/status', 'episode/event'],
            subscribes=[*seen, *commanded, *driven, 'executed_action', 'action_chunk',
                   'episode/event', 'transition_ack', outcome],
            calls=['actuation_node/abort']),
        'teleop_node': Rights(
            publishes=driven, subscribes=[*seen, 'episode/event', 'executed_action'],
            calls=KEY_SERVICES),
        'sim_node': Rights(
            publishes=[*seen, outcome, 'truth', '/clock'], subscribes=commanded,
            serves=reset),
        'mock_arm_node': Rights(
            publishes=seen, subscribes=commanded, serves=reset),
        'gazebo_node': Rights(
            publishes=[outcome, 'truth'], subscribes=observed, serves=reset,
            calls=SCENE_SERVICES),
        'conductor_node': Rights(
            publishes=['episode/request', 'evaluation/status', 'conductor/status'],
            serves=[service.replace('conductor_node', '~') for service in KEY_SERVICES
                    if service.startswith('conductor_node/')],
            subscribes=['episode/event', 'actuation/status', 'policy/status', 'recorder/status',
                   'learner/status', 'judge/status'],
            calls=['sim_node/set_parameters', 'gazebo_node/set_parameters', f'{learner_name}/save',
                  'policy_node/hold_version', 'reward_node/count_anew',
                  *(f'{node}/ready' for node in (
                      'actuation_node', 'policy_node', 'reward_node', 'recorder_node',
                      learner_name, 'teleop_node', 'sim_node', 'gazebo_node', 'mock_arm_node'))]),
        'terminal': _PERSON,
        'console': replace(_PERSON, subscribes=[
            *_PERSON.subscribes, 'executed_action',
            *sorted({camera.topic for camera in contract.cameras.values()})]),
    }


def policy_text(contract: Contract, robots: Sequence[str] = ('',)) -> str:
    """Return the policy in the format of ``ros2 security create_permission``.

    Args:
        contract: Contract of the robots.
        robots: Namespaces of the robots; an empty one is the root.
    """
    root = ElementTree.Element('policy', version='0.2.0')
    enclaves = ElementTree.SubElement(root, 'enclaves')
    for path, own in rights(contract, robots).items():
        namespace, _, name = path.rpartition('/')
        enclave = ElementTree.SubElement(enclaves, 'enclave', path=f'{ENCLAVES}/{path}')
        profiles = ElementTree.SubElement(enclave, 'profiles')
        profile = ElementTree.SubElement(profiles, 'profile', ns=f'/{namespace}', node=name)
        managed = name not in ('conductor_node', 'terminal', 'console')
        _entries(profile, 'topic', 'publish', [
            *own.publishes, '/rosout', '/parameter_events',
            *(['/diagnostics', f'{name}/transition_event'] if managed else [])])
        # Each of several simulations in lockstep has its own clock, in its namespace.
        _entries(profile, 'topic', 'subscribe', [*own.subscribes, '/clock', '/parameter_events', *(
            ['clock'] if namespace else [])])
        _entries(profile, 'service', 'reply', [
            *own.serves, *(f'~/{service}' for service in _PARAMETERS),
            *(f'~/{service}' for service in ('ready', *_LIFECYCLE) if managed)])
        _entries(profile, 'service', 'request', own.calls)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding='unicode') + '\n'


def _entries(profile: ElementTree.Element, kind: str, right: str, names: Iterable[str]) -> None:
    unique = sorted(set(names))  # without a leading slash they are in the profile's namespace
    if unique:
        group = ElementTree.SubElement(profile, f'{kind}s', {right: 'ALLOW'})
        for name in unique:
            ElementTree.SubElement(group, kind).text = name


if __name__ == '__main__':
    print(policy_text(load_contract(sys.argv[1]), tuple(sys.argv[2:]) or ('',)), end='')
