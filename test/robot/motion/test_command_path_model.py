# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""For any sequence of events, the commands that reach the robot keep to the rules.

Messages of any content, late, lost and out of order, persons who come and go, services in any
order, sources that fail, clocks that jump, a process that is killed and restarted. An event is
one call; a step of the state machine is up to a hundred of them. With --long four times as many.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    RuleBasedStateMachine,
    run_state_machine_as_test,
)
from joint_arm import (
    ACCELERATION,
    action,
    ARM,
    BOX,
    HAND,
    HAND_ACCELERATION,
    HIGH,
    JERK,
    loaded_contract,
    LOW,
    PERIOD,
    Plant,
    tool,
    URDF,
    VELOCITY,
)
import numpy as np
import pytest
from run_length import LONG

from inril_ros.robot.motion.arbitration import Source
from inril_ros.robot.motion.command_path import CommandPath, TickInput
from inril_ros.robot.motion.home_path import HomePath, ResetRefused
from inril_ros.robot.motion.limits import limits_of
from inril_ros.robot.motion.modes import IllegalMode, Mode

CONTRACT = loaded_contract()
EXAMPLES, STEPS = 320 if LONG else 80, 60
LIMITS = limits_of(CONTRACT.actions['arm'])
# Commands are float32: their rounding, differentiated.
ROUNDING = 2.5 * 2.0 ** -23
STILL = int(np.ceil((VELOCITY / ACCELERATION + 3 * ACCELERATION / JERK).max() / PERIOD)) + 2
# A hold that no longer presses goes back by the lead, at most.
RELIEF = int(np.ceil((0.4 / VELOCITY).max() / PERIOD)) + 2 * STILL
FAULTS = ('front is frozen: its content does not change', 'joint_states is silent')
counted = {'events': 0, 'ticks': 0}

seeds = st.integers(0, 2 ** 32 - 1)
kinds = st.lists(st.sampled_from([
    'policy', 'policy', 'policy', 'near', 'person', 'nobody', 'blind', 'strange chunk',
    'strange person', 'fault', 'late', 'jump', 'stuck', 'idle',
    'pressed', 'hit', 'no load']), min_size=1, max_size=8)


class CommandPathModel(RuleBasedStateMachine):
    """Plays events against the command path and an arm that follows it."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.plant = Plant()
        self.start()

    def start(self):
        """Start a new process, without the state of the previous one."""
        self.path = CommandPath(CONTRACT, URDF)
        self.commands = []  # of the arm, since it was last anchored
        self.hand = np.zeros(3)
        self.still = self.relieving = 0
        self.target = self.plant.joints.copy()
        self.resumed = False  # the first tick that sees the arm anchors it

    @initialize(seed=seeds)
    def pose(self, seed):
        rng = np.random.default_rng(seed)
        while True:
            self.plant.joints = rng.uniform(0.95 * LOW, 0.95 * HIGH)
            place = tool(self.plant.joints)
            if (place > BOX[0] + 0.02).all() and (place < BOX[1] - 0.02).all():
                return

    # Events.

    @rule(seed=seeds, events=kinds)
    def time_passes(self, seed, events):
        rng = np.random.default_rng(seed)
        for kind in events:
            for _ in range(int(rng.integers(1, 9))):
                self.one_tick(kind, rng)

    @rule(seed=seeds, kind=st.sampled_from(['near', 'policy', 'person']), ticks=st.integers(1, 60))
    def person_drives(self, seed, kind, ticks):
        rng = np.random.default_rng(seed)
        for _ in range(ticks):
            self.one_tick(kind, rng)

    @rule(seed=seeds, events=kinds)
    def events_in_an_episode(self, seed, events):
        self.person_prepares()
        self.episode_begins(person_only=False, blind=False)
        self.person_drives(seed, 'near', 10)
        self.time_passes(seed, events)
        self.person_drives(seed, 'policy', 10)

    @rule(seed=seeds)
    def strange_chunk_arrives(self, seed):
        self.strange_chunk(np.random.default_rng(seed))

    @rule(enabled=st.booleans())
    def enable_is_called(self, enabled):
        self.count()
        self.path.modes.enable(enabled)

    @rule()
    def person_prepares(self):
        """Clear obstacles as a person would; most sequences would otherwise end in the e-stop."""
        self.count()
        self.path.modes.release()
        self.path.modes.enable(True)
        self.resumed = self.resumed or not self.path.resume()

    @rule(pressed=st.booleans())
    def estop_is_called(self, pressed):
        self.count()
        if pressed:
            self.path.stop('button')
            assert self.path.modes.mode is Mode.ESTOP
        else:
            self.path.modes.release()

    @rule()
    def resume_is_called(self):
        self.count()
        before, blocked = self.path.modes.mode, not self.path.modes.enabled
        pressed, moving = self.path.modes.pressed, self.path.gate.moving
        refusal = self.path.resume()
        if before is Mode.ESTOP:
            assert bool(refusal) == (blocked or pressed or moving)
        self.resumed = self.resumed or not refusal

    @rule(person_only=st.booleans(), blind=st.booleans())
    def episode_begins(self, person_only, blind):
        self.count()
        values = None if blind else self.plant.observe()
        if self.path.refusal(values) or values is None:
            return
        self.path.begin(values, person_only)
        self.anchored()
        self.resumed = False
        self.target = self.plant.joints.copy()

    @rule(ticks=st.integers(1, 5))
    def ticks_are_missed(self, ticks):
        for _ in range(ticks):
            self.count(1)
            executed = self.path.missed_tick()
            assert executed.source is Source.HOLD and executed.reasons
            if self.commands:
                assert executed.action[ARM].tolist() == self.commands[-1].tolist()

    @rule()
    def episode_ends(self):
        self.count()
        self.path.end('time limit')

    @rule(seed=seeds)
    def reset_begins(self, seed):
        self.count()
        rng = np.random.default_rng(seed)
        if not self.path.gate.known or self.path.refusal(self.plant.observe()):
            return
        start = self.path.gate.resting[ARM].astype(np.float64)
        try:
            way = HomePath(LIMITS.scaled(0.5), start, rng.uniform(LOW, HIGH), PERIOD)
            self.path.drive_home(way, [0, 1])
        except (ResetRefused, IllegalMode):
            return

    @rule()
    def process_restarts(self):
        self.count()
        self.start()

    @precondition(lambda self: self.path.modes.mode is not Mode.ESTOP)
    @rule()
    def arm_is_moved_by_hand(self):
        self.count()
        self.plant.joints += 0.1

    # Helpers of the events.

    def count(self, ticks=0):
        counted['events'] += 1
        counted['ticks'] += ticks

    def anchored(self):
        self.commands.clear()
        self.pose = self.plant.joints.copy()

    def one_tick(self, kind, rng):
        self.count(1)
        self.now += {'late': rng.uniform(0.02, 3.0), 'jump': rng.uniform(-9.0, 9.0)}.get(
            kind, PERIOD * rng.uniform(0.9, 1.2))
        person, faults = None, ()
        values = {**self.plant.observe(), 'efforts': rng.uniform(-3.9, 3.9, 2),
                  'force': rng.uniform(-11.0, 11.0, 3)}
        if kind == 'policy':
            self.chunk(rng, rng.uniform(LOW, HIGH))
        elif kind == 'near':
            self.target = self.target + rng.uniform(-0.5, 0.5, 2) * VELOCITY * PERIOD
            self.chunk(rng, self.target)
        elif kind == 'person':
            person = action(rng.uniform(-3, 3, 2), rng.uniform(-1, 1, 3), rng.uniform(-2, 2))
        elif kind == 'strange person':
            person = rng.choice([np.nan, np.inf, 1e300, 0.0], size=int(rng.integers(0, 9)))
        elif kind == 'strange chunk':
            self.strange_chunk(rng)
        elif kind == 'blind':
            values = None
        elif kind == 'pressed':
            values['efforts'][0], values['force'][0] = ((5.0, 0.0), (0.0, -25.0))[rng.integers(2)]
            self.chunk(rng, rng.uniform(LOW, HIGH))
        elif kind == 'hit':
            values['efforts'][:] = rng.choice([-10.0, 1e9, np.inf])
        elif kind == 'no load':
            values['force'][int(rng.integers(3))] = rng.choice([np.nan, np.inf])
        elif kind == 'fault':
            faults = (FAULTS[int(rng.integers(2))],)
        if self.resumed and values is not None and self.path.modes.mode is not Mode.ESTOP:
            self.anchored()
            self.resumed = False
        executed = self.path.tick(TickInput(
            self.now, values, person, observation_age=float(rng.choice([0.0, 0.05, 0.3])),
            person_age=float(rng.choice([0.0, 0.05, 1.0])), faults=faults))
        self.check(executed, faults, values)
        self.check_loads(executed, kind)
        if kind != 'stuck':
            self.plant.drive(executed.action)

    def chunk(self, rng, arm):
        steps = int(rng.integers(1, 6))
        first = self.path.tick_number + int(rng.integers(-2, 2))
        self.path.accept_chunk(max(0, first), np.tile(action(
            arm, rng.uniform(-0.4, 0.4, 3), rng.uniform(-1, 1)), (steps, 1)), 1)

    def strange_chunk(self, rng):
        self.count()
        steps, size = int(rng.integers(0, 4)), int(rng.choice([6, 6, 0, 5, 7]))
        content = rng.choice([np.nan, np.inf, -np.inf, 1e30, 0.5, -1.0], size=(steps, size))
        self.path.accept_chunk(int(rng.integers(0, self.path.tick_number + 9)),
                                content.astype(np.float32), 2)

    # Checks.

    def check(self, executed, faults, values):
        assert executed.reasons or executed.requested is not None
        assert all(reason.strip() for reason in executed.reasons)
        assert (executed.source is not Source.HOLD) == (
            executed.mode in (Mode.POLICY, Mode.TELEOP))
        if executed.action is None:
            assert 'no pose was measured' in executed.reasons
            return
        self.check_reason(executed)
        self.check_limits(executed)
        self.check_rest(executed)
        for reason in faults:
            assert executed.source is Source.HOLD
            # In an episode, the reason may be an obstacle to all motion.
            assert reason in executed.reasons or executed.mode in (Mode.ESTOP, Mode.HOLD)
        if values is None:
            assert executed.source is Source.HOLD

    def check_reason(self, executed):
        requested = executed.requested
        if requested is None:
            assert executed.source is Source.HOLD
        elif not np.array_equal(requested, executed.action):
            assert executed.reasons or requested.astype(np.float32).tolist() \
                == executed.action.tolist()

    def check_limits(self, executed):
        command = executed.action
        assert np.isfinite(command).all()
        # An arm that a person moved beyond a limit is held there, and goes no further out.
        low, high = CONTRACT.action_minimum.copy(), CONTRACT.action_maximum.copy()
        low[ARM], high[ARM] = np.minimum(LOW, self.pose), np.maximum(HIGH, self.pose)
        assert (command >= low - 1e-5).all() and (command <= high + 1e-5).all()
        if not self.commands:  # the first command after an anchor is the arm's pose
            assert (np.abs(command[ARM] - self.pose) <= VELOCITY * PERIOD).all()
        self.commands.append(command[ARM].astype(np.float64))
        recent = np.array(self.commands[-4:])
        for order, limit in ((1, VELOCITY), (2, ACCELERATION), (3, JERK)):
            if len(recent) > order:
                steps = np.abs(np.diff(recent, n=order, axis=0)) / PERIOD ** order
                rounding = ROUNDING * 2 ** order / PERIOD ** order
                assert (steps <= limit + rounding).all(), (order, steps, limit)
        place = tool(command[ARM].astype(np.float64))
        start = tool(self.pose)
        outside = np.maximum(0.0, np.maximum(BOX[0] - start, start - BOX[1])) + 1e-4
        assert (place >= BOX[0] - outside).all() and (place <= BOX[1] + outside).all(), place
        change = np.abs(command[HAND] - self.hand)
        assert (change <= HAND_ACCELERATION * PERIOD + 1e-6).all()
        self.hand = command[HAND].copy()
        for points in executed.following.values():
            path = np.vstack([recent[-1:], points, points[-1:]])
            assert (np.abs(np.diff(path, axis=0)) <= VELOCITY * PERIOD + ROUNDING).all()
            assert (points >= low[ARM] - 1e-5).all() and (points <= high[ARM] + 1e-5).all()

    def check_loads(self, executed, kind):
        enabled = self.path.modes.enabled and executed.mode is not Mode.ESTOP
        if kind in ('hit', 'no load') and enabled:
            assert executed.source is Source.HOLD and executed.mode is not Mode.RESET or (
                kind == 'no load' and executed.mode is Mode.RESET)
        if kind == 'hit' and enabled:
            assert self.path.modes.latched
            assert any('stall: ' in reason for reason in executed.reasons)
        assert enabled or not self.path.gate.relieving
        self.relieving = self.relieving + 1 if self.path.gate.relieving else 0
        assert self.relieving <= RELIEF

    def check_rest(self, executed):
        """In IDLE, HOLD and ESTOP the arm brakes and then stays to the last bit."""
        if self.path.gate.relieving:  # not before it has gone back to where nothing presses
            self.still = 0
            return
        if executed.mode in (Mode.POLICY, Mode.TELEOP, Mode.RESET):
            self.still = 0
            return
        self.still += 1
        if self.still > STILL and len(self.commands) > 2:
            assert self.commands[-1].tolist() == self.commands[-2].tolist()
        if self.still > 0.3 / (HAND_ACCELERATION * PERIOD) + 2:
            assert not executed.action[HAND].any()

    @invariant()
    def estop_blocks_motion(self):
        assert self.path.modes.reason
        if self.path.modes.mode is Mode.ESTOP:
            assert self.path.modes.obstacle()
        else:
            assert not self.path.modes.pressed


@pytest.mark.timeout(900)
def test_no_sequence_of_events_sends_a_forbidden_command():
    counted.update(events=0, ticks=0)
    run_state_machine_as_test(CommandPathModel, settings=settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
        suppress_health_check=list(HealthCheck)))
    print(counted)
    assert counted['events'] >= (100_000 if LONG else 10_000)
    assert counted['ticks'] >= 0.5 * counted['events']
