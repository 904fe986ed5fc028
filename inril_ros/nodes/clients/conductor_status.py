# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``conductor/status``: what whoever asks for episodes does, and what it waits for.

A ``diagnostic_msgs/DiagnosticStatus`` for terminals, Foxglove and web pages, published at each
change and once a second. Its ``message`` says it in a sentence. Its level is OK, WARN while a
person has to do something, ERROR once the conductor has given up. Its values, all of them texts
and always there, empty where nothing is known:

========================  =====================================================================
``stage``                 record, evaluate pretrained, evaluate finetuned, finetune
``state``                 starting, asking, resetting, running, saving, learning, finished, ended,
                          failed
``done``, ``total``       how much of the stage is done, of how much
``unit``                  of what: demonstrations, episodes or steps
``episode``               number of the episode since the stage was started, from 1
``episode_id``            UUID of the episode
``episode_seconds``       the episode's clock [s], by the robot's time; empty outside of episodes
``waiting_for``           what is waited for, or what is wrong
``waited_seconds``        for how long [s]
``to_do``                 what a person does about it
``action``                the same as the name of a key: release, enable, resume, ready, go_on
``service``, ``data``     the service that does it, and its argument: true, false, or none
``order``                 what a person wants after the present episode: pause, end
``outcome``               of the last episode: success, failure, time_limit or aborted
``fate``                  of its record: kept, in part, discarded or aborted
``reason``                why it was aborted or discarded, or which ticks were lost
``success``               share of successes without a person, as the stage counts them
``interventions``         how often a person took over in the running or the last episode
``version``               version of the weights that acts; 0: the model from disk
========================  =====================================================================

A stage adds facts of its own, such as ``rescued``, ``updates``, ``attempts`` or ``discarded``.
"""

from collections.abc import Callable, Mapping
import time
from typing import Any

from rclpy.node import Node

from inril_ros.nodes.base import qos
from inril_ros.nodes.base.diagnostics import DiagnosticStatus, KeyValue
from inril_ros.nodes.clients.person_wait import Wait

TOPIC = 'conductor/status'
KEYS = ('stage', 'state', 'done', 'total', 'unit', 'episode', 'episode_id', 'episode_seconds',
        'waiting_for', 'waited_seconds', 'to_do', 'action', 'service', 'data', 'order', 'outcome',
        'fate', 'reason', 'success', 'interventions', 'version')
_PERIOD = 1.0  # [s]


class ConductorStatus:
    """The status of one robot's conductor.

    Args:
        node: Publishes it.
        run_id: UUID of the run.
        listen: Gets each message, as those of other nodes.
        clock: Returns the time [s].

    Attributes:
        values: What is known, by the names above.
    """

    def __init__(
        self, node: Node, run_id: str, listen: Callable[[Any], None] = lambda status: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run_id, self._listen, self._clock = run_id, listen, clock
        self._publisher = None if DiagnosticStatus is None else node.create_publisher(
            DiagnosticStatus, TOPIC, qos.STATE)
        self._published = -_PERIOD
        self.values: dict[str, str] = dict.fromkeys(KEYS, '')
        self.values['state'] = 'starting'
        self._wait: Wait | None = None

    def set(self, **values: Any) -> None:
        """Change values, and publish if one of them is new."""
        texts = {name: _text(value) for name, value in values.items()}
        if any(self.values.get(name) != text for name, text in texts.items()):
            self.values |= texts
            self.publish()

    def begin(self, stage: str, total: int, unit: str, done: int = 0) -> None:
        """Begin a stage."""
        self.set(stage=stage, total=total, unit=unit, done=done, episode=0)

    def progress(self, done: int, facts: Mapping[str, Any]) -> None:
        """Show how much is done, and facts of the stage."""
        self.set(done=done, **facts)

    def wait(self, wait: Wait | None, seconds: float) -> None:
        """Show what is waited for, and for how long [s]; None: nothing."""
        new, self._wait = wait != self._wait, wait
        self.values |= {
            'waiting_for': wait.reason if wait else '', 'to_do': wait.to_do if wait else '',
            'action': wait.action if wait else '', 'service': wait.service if wait else '',
            'data': _text(wait.data) if wait else '',
            'waited_seconds': f'{seconds:.0f}' if wait else ''}
        if new:
            self.publish()

    def publish_now_and_then(self) -> None:
        """Publish if the last message was some time ago."""
        if self._clock() - self._published >= _PERIOD:
            self.publish()

    def publish(self) -> None:
        """Publish the status."""
        self._published = self._clock()
        if self._publisher is None:
            return
        level = DiagnosticStatus.OK
        if self.values['state'] == 'failed':
            level = DiagnosticStatus.ERROR
        elif self.values['action']:
            level = DiagnosticStatus.WARN
        message = DiagnosticStatus(
            level=level, name='conductor', message=self.sentence, hardware_id=self._run_id,
            values=[KeyValue(key=key, value=value) for key, value in self.values.items()])
        self._publisher.publish(message)
        self._listen(message)

    @property
    def sentence(self) -> str:
        """The status in a sentence."""
        known = self.values
        stage = known['stage'] or 'no stage'
        progress = f', {known["done"]} of {known["total"]} {known["unit"]}' * bool(known['total'])
        wait = f'; waiting: {self._wait}' if self._wait else ''
        return f'{stage}{progress}: {known["state"]}{wait}'


def _text(value: Any) -> str:
    """Return a value as text."""
    if value is None:
        return ''
    if isinstance(value, bool):
        return str(value).lower()
    return f'{value:.4g}' if isinstance(value, float) else str(value)
