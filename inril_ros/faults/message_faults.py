# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages that nobody of the graph would send, from someone else in the domain.

Nothing of them may be believed, and nothing of the graph may end or wait for a person.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from typing import Any

from inril_ros.faults.fault import Fault
from inril_ros.faults.process_faults import new_version
from inril_ros.faults.running_graph import NotRecovered, RunningGraph
from inril_ros.msg import (
    EpisodeEvent,
    EpisodeRequest,
    LearnerStatus,
    PolicyStatus,
    PolicyWeights,
    Transition,
    TransitionAck,
    WeightsRequest,
)
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.clients.intruder import Intruder
from inril_ros.transport.weights.version_numbers import LEAD, MOST

_LAST = 2 ** 64 - 1
_GARBAGE = (b'', b'\0\1', b'abcd', b'\0\1\0\0', b'\0\0\0\1' * 25, b'\0\1\0\0' + b'\xff' * 100,
            b'\xff' * 400)
_FLOOD = 3000  # messages, one each millisecond
_STATUS = 2.5  # [s] after which a genuine status has come again


def forged_statuses(graph: RunningGraph) -> str:
    """Report numbers of versions and updates that cannot be, as the policy and the learner."""
    run = graph.place.run_id
    with Intruder() as intruder:
        intruder.send('policy/status', PolicyStatus, (
            PolicyStatus(run_id=run, weights_version=number) for number in (_LAST, MOST)), 0.1)
        intruder.send('learner/status', LearnerStatus, (
            LearnerStatus(run_id=run, weights_version=number, rl_updates=number)
            for number in (_LAST, MOST)), 0.1)
    graph.wait(_STATUS)
    version = graph.witness.status('learner_node').weights_version
    if version > LEAD:
        raise NotRecovered(f'the learner counts from version {version}')
    return f'the learner is at version {version}'


def foreign_run(graph: RunningGraph) -> str:
    """Announce and request episodes of another run, and end the running one in its name."""
    def events() -> Iterator[EpisodeEvent]:
        ours = {'run_id': graph.place.run_id, 'contract_hash': graph.place.contract.hash}
        for changed in ({'run_id': 'another'}, {'contract_hash': 'f' * 64}, {'outcome': 99}):
            for episode in ('another', graph.episode):
                for event in (EpisodeEvent.RESETTING, EpisodeEvent.STARTED, EpisodeEvent.ENDED):
                    yield EpisodeEvent(**{
                        **ours, 'episode_id': episode, 'event': event,
                        'purpose': EpisodeRequest.ROLLOUT, 'outcome': EpisodeEvent.ABORTED,
                        **changed})
    with Intruder() as intruder:
        count = intruder.send('episode/event', EpisodeEvent, events(), 0.02)
        intruder.send('episode/request', EpisodeRequest, [EpisodeRequest(
            run_id='another', episode_id='another', purpose=EpisodeRequest.ROLLOUT)])
    return f'{count} events and a request'


def wild_transitions(graph: RunningGraph) -> str:
    """Send transitions with wild numbers, and of another run and contract."""
    ours = {'run_id': graph.place.run_id, 'contract_hash': graph.place.contract.hash,
            'episode_id': 'forged'}
    last = graph.witness.status('recorder_node').journaled
    following = {'sequence': last + 1, 'previous_sequence': last}
    with Intruder() as intruder:
        intruder.send('transition', Transition, (Transition(**{**ours, **changed}) for changed in (
            {'sequence': 2 ** 63}, {'sequence': _LAST}, {'run_id': 'another', **following},
            {'contract_hash': 'f' * 64, **following})), 0.1)
    graph.wait(_STATUS)
    sequence = graph.witness.status('learner_node').sequence
    if sequence >= 2 ** 63:
        raise NotRecovered(f'the learner counts up to transition {sequence}')
    return 'four transitions'


def wild_acknowledgements(graph: RunningGraph) -> str:
    """Acknowledge transitions that were never sent."""
    with Intruder() as intruder:
        intruder.send('transition_ack', TransitionAck, (
            TransitionAck(run_id=graph.place.run_id, sequence=number, kept_sequence=number)
            for number in (2 ** 33, 2 ** 63, _LAST)), 0.1)
    return 'three acknowledgements'


def garbage(graph: RunningGraph) -> str:
    """Publish bytes that are no message on every topic that anyone listens to.

    Not on those of commands: there it matters who publishes, whatever it is.
    """
    commands = tuple(f'/{topic.lstrip("/")}' for topic in graph.place.contract.action_topics())
    with Intruder() as intruder:
        graph.wait(2.0)  # until it has discovered them
        topics = {topic: kind for topic, kind in intruder.topics().items()
                  if not topic.endswith(commands)}
        count = sum(intruder.send(topic, kind, _GARBAGE) for topic, kind in topics.items())
    return f'{count} messages on {len(topics)} topics'


def foreign_commander(graph: RunningGraph) -> str:
    """Publish on a topic of commands: bytes that no controller takes for one."""
    topic, kind = next(iter(graph.place.contract.action_topics().items()))
    with Intruder() as intruder:
        # Discovery takes seconds on a busy machine, and the name comes after the publisher.
        intruder.send(topic, message_type(kind), repeat(b'', 12), 0.5)
    held = graph.witness.status('actuation_node').latched
    if 'intruder' not in held:
        raise NotRecovered(f'the hold does not name the intruder: {held or "there is none"}')
    return f'held: {held}'


def flood(topic: str, kind: type, make: Callable[[str], Any], graph: RunningGraph) -> str:
    """Publish a message each millisecond for seconds."""
    with Intruder() as intruder:
        count = intruder.send(topic, kind, repeat(make(graph.place.run_id), _FLOOD), 0.001)
    return f'{count} messages'


def counted_up(graph: RunningGraph) -> str:
    """Report one version more each millisecond, which the learner would follow each time."""
    run, version = graph.place.run_id, graph.witness.status('learner_node').weights_version
    with Intruder() as intruder:
        intruder.send('policy/status', PolicyStatus, (
            PolicyStatus(run_id=run, weights_version=version + number)
            for number in range(_FLOOD)), 0.001)
    graph.wait(_STATUS)
    return f'{_FLOOD} statuses'


def message_faults() -> tuple[Fault, ...]:
    """Return the faults of messages."""
    def row(name: str, node: str, do: Callable[[RunningGraph], str], about: str,
            short: bool = False) -> Fault:
        return Fault(name, node, do, about, recovered=new_version, short=short)

    def flooded(name: str, topic: str, kind: type, make: Callable[[str], Any]) -> Fault:
        return row(f'flood_of_{name}', 'all', partial(flood, topic, kind, make),
                   f'{name.replace("_", " ")} at 1 kHz')
    return (
        row('messages_forged_status', 'learner_node', forged_statuses,
            'statuses with the last number of a version', short=True),
        row('messages_foreign_run', 'recorder_node', foreign_run,
            'events and requests of another run'),
        row('messages_wild_transition', 'learner_node', wild_transitions,
            'transitions with wild numbers, and of another run'),
        row('messages_wild_acknowledgement', 'recorder_node', wild_acknowledgements,
            'transitions are acknowledged that were never sent'),
        row('messages_garbage', 'all', garbage, 'bytes that are no message on every topic',
            short=True),
        row('flood_of_statuses', 'learner_node', counted_up,
            'a policy that reports a later version at 1 kHz'),
        Fault('messages_foreign_commander', 'actuation_node', foreign_commander,
              'another node publishes on a topic of commands', gap_promised=False,
              person_expected=True, short=True),
        flooded('requests', 'weights/request', WeightsRequest,
                lambda run: WeightsRequest(run_id=run, complete=True)),
        flooded('pieces', 'weights/pieces', PolicyWeights,
                lambda run: PolicyWeights(run_id=run, version=MOST, data=bytes(1000))),
        flooded('transitions', 'transition', Transition,
                lambda run: Transition(run_id='another', episode_id='flood')),
        flooded('events', 'episode/event', EpisodeEvent,
                lambda run: EpisodeEvent(run_id=run, episode_id='flood', event=EpisodeEvent.ENDED,
                                         purpose=EpisodeRequest.ROLLOUT)),
    )
