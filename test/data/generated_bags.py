# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Generated recordings of an arm whose motion and commands are known functions of time.

Time is that of the stamps, in seconds from the beginning of the recording. Whatever the bag looks
like, each joint ``i`` is at ``position(i, t)`` and its command is ``command(i, t)``.
"""

from dataclasses import dataclass

from foreign_bags import BEGIN, JOINTS, SECOND, TRAJECTORY
from hypothesis import strategies as st
import numpy as np

from inril_ros.data.raw.messages import blank_message
from inril_ros.robot.messages.codecs import put_stamp

NAMES = ('shoulder', 'elbow', 'wrist', 'hand')
_STRANGERS = ('wheel', 'head')
_APART = 0.8  # [rad] Between the middles of two joints: taking one for another is far off
_SWING, _SPEED = 0.3, 1.5  # amplitude [rad] and frequency [rad/s] of a joint
#: [rad/s] Highest speed of a joint.
FASTEST = _SWING * _SPEED
_LEAD = 0.1  # [s] of the command before the joint
LIMIT = 3.0


def position(joint, seconds):
    return _APART * (joint - 1) + _SWING * np.sin(_SPEED * np.asarray(seconds) + joint)


def command(joint, seconds):
    return position(joint, np.asarray(seconds) + _LEAD)


@dataclass(frozen=True)
class Publisher:
    """Sends some of the joints at a rate.

    Attributes:
        joints: Indices of its joints.
        others: Further joints in its messages, which are not the contract's.
        order: Seed of the order of names in its messages.
        rate: [Hz]
        phase: [s] Time of its first message.
        delay: [s] From the stamp until a message is received.
        until: [s] End of its messages.
    """

    joints: tuple[int, ...]
    others: tuple[str, ...]
    order: int
    rate: float
    phase: float
    delay: float
    until: float

    def times(self):
        return np.arange(self.phase, self.until, 1.0 / self.rate)

    def names(self):
        """The names in its messages, in their order, with each joint's index; None for others."""
        named = [(NAMES[joint], joint) for joint in self.joints]
        named += [(name, None) for name in self.others]
        return [named[index] for index in np.random.default_rng(self.order).permutation(
            len(named))]


@dataclass(frozen=True)
class World:
    """A recording and its contract.

    Attributes:
        joints: Indices of the contract's joints in its order.
        states: Publishers of ``joint_states``.
        commands: Publishers of the commands.
        kind: What the commands are: ``goal``, ``trajectory``, ``array`` or ``leader``.
        stamped: Whether trajectories have a stamp.
        align: How the contract aligns the joints.
        clock: Whether it times them by ``header`` or ``receive``.
        control_rate: [Hz]
        length: [s]
        ahead: [s] The stamps are ahead of the bag's time by this, apart from a simulation.
        simulated: Rate of a simulation whose clock begins at 0; 0 for the wall clock.
        zeros: Indices of messages of ``joint_states`` whose stamp is 0.
        unit: Factor of a wrong unit of the commands; 1 for none.
        unit_of_states: The same of the states.
        reversed: Whether the values of an array are in the opposite order.
        renamed: Whether the commands have other names than the contract's joints.
    """

    joints: tuple[int, ...]
    states: tuple[Publisher, ...]
    commands: tuple[Publisher, ...]
    kind: str
    stamped: bool
    align: str
    clock: str
    control_rate: float
    length: float
    ahead: float
    simulated: float
    zeros: frozenset[int]
    unit: float
    unit_of_states: float
    renamed: bool
    reversed: bool = False

    @property
    def origin(self):
        """[ns] Stamp at time 0."""
        return 5 * SECOND if self.simulated else BEGIN + round(self.ahead * SECOND)

    @property
    def observation_delay(self):
        """[s] Interpolation needs the sample after."""
        return 0.06 if self.align == 'interpolate' else 0.0

    def stamp(self, seconds):
        return self.origin + round(seconds * SECOND)

    def received(self, seconds, delay):
        """[ns] Time in the bag of a message that was sent at a time and took ``delay`` [s]."""
        return BEGIN + round((seconds / (self.simulated or 1.0) + delay) * SECOND)

    def contract(self):
        names = [NAMES[joint] for joint in self.joints]
        wanted = {'joints': names, 'minimum': [-LIMIT] * len(names),
                  'maximum': [LIMIT] * len(names), 'hold': 'last', 'topic': 'command',
                  'type': 'std_msgs/msg/Float64MultiArray' if self.kind == 'array'
                  else TRAJECTORY}
        return {
            'name': 'generated', 'control_rate': self.control_rate,
            'observation_delay': self.observation_delay,
            'observations': {'angles': {
                'topic': 'joint_states', 'type': JOINTS, 'joints': names, 'max_age': 0.3,
                'align': self.align, 'clock': self.clock}},
            'policy_observations': ['angles'], 'actions': {'arm': wanted},
            'episode': {'time_limit': 60}}

    def mapping(self):
        if self.kind != 'leader':
            return {}
        return {'actions': {'arm': {'recorded': {
            'topic': '/leader', 'type': JOINTS,
            'joints': [f'leader_{NAMES[joint]}' for joint in self.joints]}}}}

    def rows(self):
        """The messages of the bag: (topic, time [ns], message), in order of time."""
        rows = []
        for publisher in self.states:
            rows += [('/joint_states', self.received(time, publisher.delay),
                      self._state(publisher, time, 0 if index in self.zeros else
                                  self.stamp(time))) for index, time in enumerate(
                                      publisher.times())]
        for publisher in self.commands:
            rows += [('/leader' if self.kind == 'leader' else '/command',
                      self.received(time, publisher.delay), self._command(publisher, time))
                     for time in publisher.times()]
        return sorted(rows, key=lambda row: row[1])

    def _state(self, publisher, time, stamp):
        message = blank_message(JOINTS)
        put_stamp(message, stamp, '')
        for name, joint in publisher.names():
            message.name.append(name)
            message.position.append(
                7.0 if joint is None else self.unit_of_states * float(position(joint, time)))
        return message

    def _command(self, publisher, time):
        if self.kind == 'array':
            message = blank_message('std_msgs/msg/Float64MultiArray')
            message.data.extend(self.unit * float(command(joint, time)) for joint in self.joints[
                ::-1 if self.reversed else 1])
            return message
        named = [(f'{"j" if self.renamed else ""}{name}', joint)
                 for name, joint in publisher.names()]
        if self.kind == 'leader':
            message = blank_message(JOINTS)
            message.name.extend(f'leader_{name}' for name, _ in named)
            message.position.extend(self._values(named, time))
            return message
        message = blank_message(TRAJECTORY)
        put_stamp(message, self.stamp(time) if self.stamped else 0, '')
        message.joint_names.extend(name for name, _ in named)
        after = [0.0] if self.kind == 'goal' else np.linspace(0.0, 1.2 / publisher.rate, 9)
        for seconds in after:
            point = blank_message('trajectory_msgs/msg/JointTrajectoryPoint')
            point.positions.extend(self._values(named, time + seconds))
            point.time_from_start.sec, point.time_from_start.nanosec = divmod(
                round(seconds * SECOND), SECOND)
            message.points.append(point)
        return message

    def _values(self, named, time):
        return [7.0 if joint is None else self.unit * float(command(joint, time))
                for _, joint in named]


@st.composite
def publishers(draw, joints, length, most, slowest, fastest, latest):
    """One to ``most`` publishers, which share the joints."""
    number = draw(st.integers(1, min(most, len(joints))))
    cuts = sorted(draw(st.permutations(range(1, len(joints))))[:number - 1])
    parts = np.split(np.array(draw(st.permutations(joints))), cuts)
    delay = draw(st.sampled_from((0.0, 0.002, 0.02, 0.15)))
    return tuple(Publisher(
        joints=tuple(map(int, part)),
        others=tuple(draw(st.lists(st.sampled_from(_STRANGERS), unique=True, max_size=2))),
        order=draw(st.integers(0, 99)), rate=draw(st.sampled_from((slowest, fastest))),
        phase=draw(st.floats(0.0, latest)), delay=delay,
        until=length - draw(st.sampled_from((0.0, 0.0, 0.4)))) for part in parts)


@st.composite
def worlds(draw):
    """Recordings: most are right in an unusual way, some are wrong."""
    joints = draw(st.permutations(range(len(NAMES))))[:draw(st.integers(1, len(NAMES)))]
    length = draw(st.sampled_from((1.5, 2.5)))
    kind = draw(st.sampled_from(('goal', 'trajectory', 'array', 'leader')))
    known = joints
    if draw(st.integers(0, 9)) == 0 and len(joints) > 1:
        known = joints[:-1]  # a joint of which nobody says where it is
    simulated = draw(st.sampled_from((0.0, 0.0, 0.0, 0.25, 1.0, 3.0)))
    commands = draw(publishers(joints, length, 1 if kind == 'array' else 2, 10.0, 30.0, 0.5))
    if kind == 'trajectory':
        commands = tuple(Publisher(**{**vars(each), 'rate': each.rate / 10})
                         for each in commands)
    return World(
        joints=tuple(joints), states=draw(publishers(known, length, 3, 20.0, 100.0, 0.3)),
        commands=commands, kind=kind, stamped=draw(st.booleans()),
        align=draw(st.sampled_from(('hold', 'interpolate'))),
        clock=draw(st.sampled_from(('header', 'header', 'receive'))),
        control_rate=draw(st.sampled_from((10.0, 20.0, 23.7))), length=length,
        ahead=draw(st.sampled_from((0.0, 0.0, 0.003, -0.05, 0.15, 2.0, -30.0))),
        simulated=simulated,
        zeros=frozenset(draw(st.sampled_from(((), (), (0,), (0, 1, 2), (7, 8))))),
        unit=draw(st.sampled_from((1.0,) * 9 + (57.3, 1000.0))),
        unit_of_states=draw(st.sampled_from((1.0,) * 11 + (57.3,))),
        renamed=draw(st.integers(0, 11)) == 0, reversed=draw(st.integers(0, 5)) == 0)
