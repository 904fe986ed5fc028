# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An actuation node's side of episodes, with real messages, and the person beside it.

Nothing runs by itself: the conductor's ``check`` spins it, and lets its clock go on. So a pause
of ten minutes takes no time.
"""

from inril_ros.msg import ActuationStatus, EpisodeEvent, EpisodeRequest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import SetBool, Trigger

from inril_ros.nodes.base import qos
from inril_ros.robot.motion.modes import Mode, ModeMachine

TICKS = 7
LOOKS = 10  # how often the conductor waits in vain before a person acts


class PlayedActuation:
    """Obeys the rules of consent, and ends each episode as the test says.

    Attributes:
        ends: Outcome and reason of each episode to come; none: a success.
        person: What a person does, one thing each time the conductor has waited for a while.
        pause: [s] Time of the conductor's clock that this takes.
        lost: How many of the next messages of an end are lost.
        now: [s] The conductor's clock.
        lines: What the conductor has said.
        statuses: What it has published on ``conductor/status``, as dictionaries.
    """

    def __init__(self, domain_id, namespace='', scene=False):
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self.node = rclpy.create_node('actuation_node', context=self._context,
                                      namespace=namespace, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.modes, self.ends, self.person, self.pause = ModeMachine(True), [], [], 60.0
        self.requests, self.refusals, self.lines, self.statuses = [], [], [], []
        self.lost = 0
        self.now, self._waited, self.ticks = 0.0, 0, 0
        self.episode, self.waiting_for, self.scene, self.faults = None, '', scene, []
        self._events = self.node.create_publisher(EpisodeEvent, 'episode/event', qos.EVENT)
        self._status = self.node.create_publisher(
            ActuationStatus, 'actuation/status', qos.STATE)
        self.node.create_subscription(
            EpisodeRequest, 'episode/request', self._on_request, qos.EVENT)
        self._clients = {}
        self.publish()

    def close(self):
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()

    def clock(self):
        return self.now

    def check(self):
        """Spin, publish the status, and let the person act if it is time."""
        self._executor.spin_once(timeout_sec=0.0)
        self.now += 1.0
        self._waited += 1
        if self._waited >= LOOKS and self.person:
            self._waited = 0
            self.now += self.pause
            self._act(*self.person.pop(0))
        self.publish()
        return ()

    def listen(self, message):
        if hasattr(message, 'values') and message.name == 'conductor':
            self.statuses.append({'level': message.level, 'message': message.message,
                                  **{each.key: each.value for each in message.values}})

    def publish(self):
        stamp = ActuationStatus(
            mode=self.modes.mode.value, episode_id=self.episode.episode_id if self.episode else '',
            reason=self.modes.reason, enabled=self.modes.enabled, estop=self.modes.pressed,
            latched=self.modes.latched, faults=self.faults, waiting_for=self.waiting_for,
            ticks=self.ticks, period=0.1)
        stamp.header.stamp.sec = int(self.now)
        self._status.publish(stamp)

    def waits(self):
        """Return the actions that were waited for, in their order, each once."""
        actions = [each['action'] for each in self.statuses if each['action']]
        return [action for before, action in zip(['', *actions], actions, strict=False)
                if action != before]

    def _act(self, what, argument=None):
        if what == 'stop':
            self.modes.press('~/estop')
        elif what == 'release':
            self.modes.release()
        elif what == 'enable':
            assert not self.modes.enable(True)
        elif what == 'resume':
            assert not self.modes.resume()
        elif what == 'ready':
            self.waiting_for = ''
            self._begin()
        elif what == 'mend':
            self.faults = []
        else:  # a real service of the conductor
            kind, request = (Trigger, Trigger.Request()) if argument is None else (
                SetBool, SetBool.Request(data=argument))
            client = self._clients.setdefault(what, self.node.create_client(kind, what))
            if client.service_is_ready():
                client.call_async(request)
            else:
                self.person.insert(0, (what, argument))

    def _on_request(self, request):
        self.requests.append(request)
        refusal = self.refusals.pop(0) if self.refusals else self.modes.obstacle()
        if refusal:
            self._publish(request, EpisodeEvent.REFUSED, reason=refusal)
            return
        self.episode = request
        self._publish(request, EpisodeEvent.RESETTING)
        if self.scene:
            self.waiting_for = 'a person to confirm that the scene is ready'
            self._waited = 0
        else:
            self._begin()

    def _begin(self):
        request, self.episode = self.episode, None
        outcome, reason, *then = self.ends.pop(0) if self.ends else (EpisodeEvent.SUCCESS, '')
        self._publish(request, EpisodeEvent.STARTED)
        self.ticks += TICKS
        for happens in then:  # the stop that ends it
            happens(self.modes)
        self._publish(request, EpisodeEvent.ENDED, outcome=outcome, tick=TICKS, reason=reason)
        self._waited = 0

    def _publish(self, request, event, **values):
        if event == EpisodeEvent.ENDED and self.lost:
            self.lost -= 1
            return
        self._events.publish(EpisodeEvent(
            episode_id=request.episode_id, purpose=request.purpose, event=event, **values))


def latch(modes):
    """Hold the arm as a protective stop does."""
    modes.mode = Mode.HOLD
    modes.latch('joint_states: no sample for 0.5 s')
    modes.mode = Mode.IDLE
