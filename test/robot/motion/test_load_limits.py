# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An arm that presses too hard for too long is held and relieved, until a person resumes."""

from hypothesis import given
from hypothesis import strategies as st
from joint_arm import action, ARM, differences, loaded_contract, PERIOD, Plant, URDF, VELOCITY
import numpy as np
import pytest

from inril_ros.robot.motion.arbitration import Source
from inril_ros.robot.motion.command_path import CommandPath, TickInput
from inril_ros.robot.motion.load_watch import LoadWatch
from inril_ros.robot.motion.modes import Mode

CONTRACT = loaded_contract()
STALL = 'stall: effort of elbow above 4 for more than 0.2 s'


class Blocked:
    """A command path whose arm doesn't move at all, and a policy that wants it to."""

    def __init__(self, of=CONTRACT, paced=True, plant=None):
        self.path = CommandPath(of, URDF, enabled=True, paced=paced)
        self.plant = plant or Plant(lag=1.0)
        self.now = 0.0
        self.loads = {'efforts': [0.0, 0.0], 'force': [0.0, 0.0, 0.0]}
        self.commands = []
        self.path.begin(self.seen())

    def seen(self, **loads):
        return {**self.plant.observe(), **{
            name: np.array(load, float) for name, load in {**self.loads, **loads}.items()}}

    def tick(self, valid=True, target=(0.5, 0.9), **loads):
        self.now += PERIOD
        self.path.accept_chunk(self.path.tick_number, action(target)[None], 1)
        executed = self.path.tick(TickInput(self.now, self.seen(**loads) if valid else None))
        self.commands.append(executed.action[ARM].astype(float))
        self.plant.drive(executed.action)
        return executed

    def drive(self, seconds, **seen):
        for _ in range(round(seconds / PERIOD)):
            executed = self.tick(**seen)
        return executed


def test_a_load_above_the_limit_for_too_long_holds_until_a_person_resumes():
    robot = Blocked()
    assert robot.drive(0.5).source is Source.POLICY
    assert robot.drive(0.2, efforts=[-5.0, 0.0]).source is Source.POLICY
    held = robot.drive(2 * PERIOD, efforts=[-5.0, 0.0])
    assert (held.mode, held.source) == (Mode.HOLD, Source.HOLD)
    assert held.reasons == (f'held until resumed: {STALL}',)
    assert robot.drive(2.0).source is Source.HOLD
    assert robot.path.resume() == ''
    assert robot.drive(0.5).source is Source.POLICY


def test_a_held_arm_goes_back_to_where_it_was_measured_and_presses_no_longer():
    robot = Blocked()
    robot.drive(1.0)
    ahead = robot.commands[-1][1] - robot.plant.joints[1]
    assert ahead > 0.3
    robot.drive(2.0, efforts=[8.0, 0.0])
    np.testing.assert_allclose(robot.commands[-1], robot.plant.joints, atol=1e-5)
    assert (differences(robot.commands, 1) <= VELOCITY + 1e-3).all()
    before = robot.commands[-1]
    robot.plant.joints -= 0.05  # pushed further: it doesn't follow, so a load can't pull it down
    robot.drive(0.5, efforts=[8.0, 0.0])
    assert robot.commands[-1].tolist() == before.tolist()


def test_the_arm_stays_where_relieve_says_so_and_where_a_force_has_no_joints():
    for load, limits in (({'efforts': [8.0, 0.0]}, {'load_limits__stall__relieve': []}),
                         ({'force': [0.0, 15.0, 15.0]}, {})):
        robot = Blocked(loaded_contract(**limits))
        robot.drive(1.0)
        robot.drive(1.0, **load)
        assert robot.path.modes.latched
        assert robot.commands[-1][1] - robot.plant.joints[1] > 0.3


def test_nothing_goes_back_under_the_e_stop_or_without_consent():
    for stop in (lambda path: path.stop('button'), lambda path: path.modes.enable(False)):
        robot = Blocked()
        robot.drive(1.0)
        robot.drive(0.26, efforts=[8.0, 0.0])
        assert robot.path.gate.relieving
        stop(robot.path)
        robot.drive(0.3, efforts=[8.0, 0.0])
        assert robot.commands[-1].tolist() == robot.commands[-2].tolist()
        assert robot.commands[-1][1] - robot.plant.joints[1] > 0.1


def test_a_load_above_the_hard_limit_holds_in_the_same_tick():
    robot = Blocked()
    robot.drive(0.5)
    held = robot.tick(efforts=[0.0, -18.5])
    assert held.source is Source.HOLD
    assert held.reasons == ('held until resumed: stall: effort of shoulder is 18.5, above 18',)
    assert Blocked().tick(efforts=[np.inf, 0.0]).source is Source.HOLD


def test_of_a_force_the_magnitude_counts():
    robot = Blocked()
    assert robot.drive(0.5, force=[11.0, -11.0, 11.0]).source is Source.POLICY
    robot.drive(0.16, force=[12.0, -12.0, 12.0])
    assert robot.path.modes.latched == 'contact: force above 20 for more than 0.1 s'


def test_a_load_that_is_unknown_holds_the_arm_and_is_named():
    robot = Blocked()
    robot.drive(0.5)
    blind = robot.tick(valid=False)
    assert blind.source is Source.HOLD
    assert 'stall is not checked: no valid observation' in blind.reasons
    strange = robot.tick(force=[np.nan, 0.0, 0.0])
    assert strange.source is Source.HOLD
    assert strange.reasons == ('contact is not checked: force is not finite',)
    robot.drive(0.05)
    assert robot.tick().source is Source.POLICY
    robot.drive(0.2, force=[np.nan, 0.0, 0.0])
    assert 'contact: load that is not a number' in robot.path.modes.latched


def test_the_way_home_and_an_arm_at_rest_are_watched_too():
    robot = Blocked()
    robot.drive(1.0)
    robot.path.end('time limit')
    robot.drive(0.5)
    robot.drive(1.5, efforts=[8.0, 0.0])
    assert robot.path.modes.latched == STALL
    np.testing.assert_allclose(robot.commands[-1], robot.plant.joints, atol=1e-5)
    assert robot.path.refusal(robot.seen()).startswith('held until resumed')
    assert robot.path.resume() == ''
    home = Blocked(loaded_contract(episode__home={'shoulder': -1.0, 'elbow': 0.5}))
    home.path.end('time limit')
    home.path.go_home(home.seen())
    home.drive(0.4)
    assert home.path.modes.mode is Mode.RESET
    home.drive(0.3, efforts=[8.0, 0.0])
    assert home.path.modes.mode is Mode.HOLD and home.path.modes.latched == STALL


def test_a_person_may_push_an_arm_without_consent():
    robot = Blocked()
    robot.path.end('over')
    robot.path.modes.enable(False)
    robot.drive(1.0, efforts=[50.0, 0.0])
    assert not robot.path.modes.latched


def test_in_lockstep_ticks_count_and_no_clock():
    robot = Blocked(paced=False)
    robot.now = -1e9
    robot.drive(0.3, efforts=[5.0, 0.0])
    assert robot.path.modes.latched == STALL


@given(st.lists(st.tuples(st.floats(0.0, 8.9), st.floats(0.0, 0.3)), max_size=40))
def test_a_limit_acts_by_the_time_above_it_less_the_time_below(steps):
    watch = LoadWatch(CONTRACT)
    counted, above, least = 0.0, False, 0.0
    for load, seconds in steps:
        watch.look({'efforts': np.array([load, 0.0]), 'force': np.zeros(3)}, seconds)
        counted = max(0.0, counted + (seconds if load > 4.0 and above else -seconds))
        above, least = load > 4.0, max(least, counted)
    assert bool(watch.exceeded) == (least > 0.2) or least == pytest.approx(0.2)
    watch.forget()
    assert not watch.exceeded
