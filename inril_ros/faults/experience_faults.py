# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages about experience that are foreign, forged or too many, from anyone in the domain."""

import time
from typing import Any

from inril_ros.faults.fault import Fault
from inril_ros.faults.running_graph import NotRecovered, RunningGraph
from inril_ros.msg import EpisodeEvent, EpisodeRequest, Transition, TransitionAck
from inril_ros.nodes.base import qos

_RUN = '00000000-0000-4000-8000-000000000000'  # another one
_WILD = (2 ** 33, 2 ** 63, 2 ** 64 - 1)
_FLOOD, _PERIOD = 5.0, 0.001  # [s]


def foreign_events(graph: RunningGraph) -> str:
    """Publish events of another run and contract, for the running episode and a new one."""
    event = _sender(graph, EpisodeEvent, 'episode/event')
    ask = _sender(graph, EpisodeRequest, 'episode/request')
    ask(run_id=_RUN, episode_id='foreign', purpose=EpisodeRequest.ROLLOUT)
    for episode in (graph.episode, 'foreign'):
        for changed in ({'run_id': _RUN}, {'contract_hash': 'f' * 64}, {'outcome': 99}):
            for kind in (EpisodeEvent.RESETTING, EpisodeEvent.STARTED, EpisodeEvent.ENDED):
                event(**{**_ours(graph), 'episode_id': episode, 'event': kind,
                         'purpose': EpisodeRequest.ROLLOUT, 'outcome': EpisodeEvent.ABORTED,
                         **changed})
    graph.wait(1.0)
    if not graph.driven_lately():
        raise NotRecovered('events of another run stopped the policy')
    return 'the episode went on'


def wild_acknowledgements(graph: RunningGraph) -> str:
    """Acknowledge transitions that were never sent.

    Raises:
        NotRecovered: The recorder believed it.
    """
    acknowledge = _sender(graph, TransitionAck, 'transition_ack', qos.EXPERIENCE)
    for sequence in _WILD:
        acknowledge(run_id=graph.place.run_id, sequence=sequence, kept_sequence=sequence)
    since = time.time_ns()
    graph.wait(1.0)
    status = graph.until(lambda: graph.witness.status('recorder_node', since), 'the recorder')
    if status.acknowledged > status.journaled:
        raise NotRecovered(f'the recorder believes that {status.acknowledged} are acknowledged')
    return 'refused'


def wild_transitions(graph: RunningGraph) -> str:
    """Send transitions with wild numbers, and of another run and contract.

    Raises:
        NotRecovered: The learner counts one as ingested.
    """
    send = _sender(graph, Transition, 'transition', qos.EXPERIENCE)
    for sequence in _WILD:
        send(**_ours(graph), episode_id='forged', sequence=sequence)
    last = graph.witness.status('recorder_node').journaled
    for changed in ({'run_id': _RUN}, {'contract_hash': 'f' * 64}):
        send(**{**_ours(graph), 'episode_id': 'forged', 'sequence': last + 1,
                'previous_sequence': last, **changed})
    since = time.time_ns()
    graph.wait(1.0)
    status = graph.until(lambda: graph.witness.status('learner_node', since), 'the learner')
    if status.sequence >= min(_WILD):
        raise NotRecovered(f'the learner counts up to transition {status.sequence}')
    return 'refused'


def flood(graph: RunningGraph) -> str:
    """Send foreign events, transitions and acknowledgements, a thousand of each per second."""
    senders = [_sender(graph, EpisodeEvent, 'episode/event'),
               _sender(graph, Transition, 'transition', qos.EXPERIENCE),
               _sender(graph, TransitionAck, 'transition_ack', qos.EXPERIENCE)]
    ends, sent = time.monotonic() + _FLOOD, 0
    while time.monotonic() < ends:
        for send in senders:
            send(run_id=_RUN)
        sent += 1
        time.sleep(_PERIOD)
    return f'{sent} messages on each of three topics in {_FLOOD:.0f} s'


def _ours(graph: RunningGraph) -> dict[str, Any]:
    """Return the fields by which a message would belong here."""
    return {'run_id': graph.place.run_id, 'contract_hash': graph.place.contract.hash}


def _sender(graph: RunningGraph, kind: type, topic: str, profile: Any = qos.EVENT) -> Any:
    """Return a function that publishes a message of these fields."""
    publisher = graph.witness.publisher(kind, topic, profile)
    graph.until(publisher.get_subscription_count, f'a subscription to {topic}')
    return lambda **fields: publisher.publish(kind(**fields))


def experience_faults() -> tuple[Fault, ...]:
    """Return the faults of messages about experience."""
    return (
        Fault('foreign_events', 'recorder_node', foreign_events,
              'someone publishes episode events of another run and contract'),
        Fault('wild_acknowledgements', 'recorder_node', wild_acknowledgements,
              'someone acknowledges transitions that were never sent'),
        Fault('wild_transitions', 'learner_node', wild_transitions,
              'someone sends transitions with wild numbers, or of another run'),
        Fault('experience_flood', 'learner_node', flood,
              'someone sends a thousand foreign messages per second on three topics'),
    )
