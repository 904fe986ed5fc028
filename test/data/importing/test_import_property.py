# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An import is right, or it is refused with a reason that names a topic: nothing in between."""

from foreign_bags import BEGIN, ros2_bag, SECOND
from generated_bags import command, LIMIT, position, worlds
from hypothesis import event, given, note, settings
import numpy as np
import run_length

from inril_ros.data.bags.bags import BagError, EXECUTED_TOPIC
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.bags.recording import open_recording
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.commands.command_track import MOVED
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import stamp_ns

EXAMPLES = 1000 if run_length.LONG else 25


def ticks_of(path):
    """The stamps [ns] of an imported bag's ticks."""
    with open_recording(path) as bag:
        return [stamp_ns(bag.deserialize(raw, connection)) for connection, _, raw in bag.messages(
            bag.named(f'/{EXECUTED_TOPIC}'))]


def names_a_topic(reason):
    return any(topic in reason for topic in ('joint_states', 'command', 'leader'))


def within(value, function, joint, first, last, slack):
    """Whether a value is one that the function has between two times [s]."""
    known = function(joint, np.linspace(first, last, 200))
    return known.min() - slack <= value <= known.max() + slack


def check_episode(world, contract, path):
    """Check an episode against the world.

    A held value is as old as its publisher's period, and messages arrive late by their delay,
    which counts where something is timed by its arrival.
    """
    episode = read_episode(path, contract)
    rate = world.simulated or 1.0
    if world.clock == 'header':
        times = [(tick - world.origin) / SECOND for tick in ticks_of(path)]
        period = 1.0 / contract.control_rate
    else:
        times = [rate * (tick - BEGIN) / SECOND for tick in ticks_of(path)]
        period = rate / contract.control_rate
    late = rate * (max(each.delay for each in world.states) + abs(
        0.0 if world.simulated else world.ahead * (abs(world.ahead) < 1.0)))
    lost = (1 + 3 * bool(world.zeros)) / min(each.rate for each in world.states)
    for joint in world.joints:
        place = world.joints.index(joint)
        [seen] = [each for each in world.states if joint in each.joints]
        [sent] = [each for each in world.commands if joint in each.joints]
        slow = 0.0 if world.kind == 'trajectory' else 1.0 / sent.rate
        for time, observed, action in zip(
                times, episode.observations[:, place], episode.actions[:, place], strict=False):
            timed = late if world.clock == 'receive' else 0.0
            shown = time - world.observation_delay * period * contract.control_rate
            first = min(shown - lost - 2 * late - timed, seen.times()[-1])
            assert within(observed, position, joint, first, shown + late, 0.01), (
                joint, time, observed)
            then = time + period
            first = then - slow - rate * sent.delay - late - 0.01
            begun = first > sent.times()[0]
            first = min(first, sent.times()[-1])
            right = within(action, command, joint, first, then + late + 0.01, 0.02)
            # Before its first command a joint is held where it stands, as long as it stands there.
            held = within(action, position, joint, 0.0, then + late, MOVED * 2 * LIMIT)
            assert right or held and not begun, (joint, time, action)
    return times


@settings(max_examples=EXAMPLES)
@given(world=worlds())
def test_an_import_is_right_or_refused_with_a_reason(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp('world')
    contract = parse_contract(world.contract())
    source = ros2_bag(folder / 'bag', world.rows())
    try:
        [report] = import_bag([source], contract, folder / 'demos', ImportOptions(
            mapping=ImportMapping(**world.mapping())))
    except BagError as error:
        assert names_a_topic(str(error))
        return
    note(report)
    event('kept' if report.kept else 'refused')
    if not report.kept:
        assert names_a_topic(report.reason)
        return
    assert world.unit == world.unit_of_states == 1.0, 'another unit is refused'
    if world.kind == 'array' and len(world.joints) > 1:
        assert not world.reversed, 'another order is refused'
    if any('by their header.stamp' in text for text in report.notes):
        return  # of another clock, or meant so: a person decides
    times = check_episode(world, contract, folder / 'demos' / report.name)
    streams = [each for each in (*world.states, *world.commands)]
    whole = min(each.until for each in streams) - max(each.phase for each in streams)
    if times[-1] - times[0] < whole - 1.0:
        assert report.notes, 'what is left out is said'
