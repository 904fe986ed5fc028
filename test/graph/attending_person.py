# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person beside the arms who knows only what ``conductor/status`` says, and does that."""

from diagnostic_msgs.msg import DiagnosticStatus
from std_srvs.srv import SetBool, Trigger

from inril_ros.nodes.base import qos


class AttendingPerson:
    """Does what each arm's conductor asks a person for, and judges each episode.

    Args:
        player: The node by which the person acts.
        namespaces: Namespaces of the arms.

    Attributes:
        statuses: All of each arm's statuses, as dictionaries.
        asked: What each arm asked for, each change once.
        pause: The person does nothing for the time being.
        meddle: Called with the namespace and the status of an episode that runs, before it is
            judged; returns whether the person does something else.
    """

    def __init__(self, player, namespaces=('',)):
        self._player = player
        self._clients, self._pending = {}, {}
        self.statuses = {name: [] for name in namespaces}
        self.asked = {name: [] for name in namespaces}
        self.pause, self.meddle = False, lambda name, status: False
        for name in namespaces:
            player.listen(DiagnosticStatus, f'{name}/conductor/status'.lstrip('/'), qos.STATE,
                          lambda message, name=name: self._on_status(name, message))

    def last(self, name=''):
        return self.statuses[name][-1] if self.statuses[name] else {}

    def call(self, service, data=None):
        """Call a service, unless the last call of it has not been answered yet."""
        if self._pending.get(service) and not self._pending[service].done():
            return
        kind, request = (Trigger, Trigger.Request()) if data is None else (
            SetBool, SetBool.Request(data=data))
        key = (service, kind)
        if key not in self._clients:
            self._clients[key] = self._player._node.create_client(kind, service)
        if self._clients[key].service_is_ready():
            self._pending[service] = self._clients[key].call_async(request)

    def _on_status(self, name, message):
        status = {'level': message.level, 'sentence': message.message,
                  **{each.key: each.value for each in message.values}}
        self.statuses[name].append(status)
        action = status['action']
        if action and (not self.asked[name] or self.asked[name][-1] != action):
            self.asked[name].append(action)
        if self.pause:
            return
        if action:
            self.call(status['service'], {'': None, 'true': True, 'false': False}[status['data']])
        elif status['state'] == 'running' and float(status['episode_seconds'] or 0) > 0.5 \
                and not self.meddle(name, status):
            self.call(f'{name}/actuation_node/success' if name else 'actuation_node/success')
