# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings whose stamps are of other clocks than the bag, and what an import makes of them."""

from dataclasses import replace

from foreign_bags import ARM, BEGIN, CONTRACT, ros2_bag, SECOND

from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import stamp_ns

#: [ns] Stamps that are of no clock.
STRAYS = {'0': 0, 'since its boot': 3 * SECOND, 'a day ahead': BEGIN + 86_400 * SECOND}


def imported(tmp_path, rows, contract=CONTRACT, options=None):
    """The reports of an import, and the kept episodes, which are those that were kept aligned."""
    source = ros2_bag(tmp_path / 'foreign', sorted(rows, key=lambda row: row[1]))
    done = import_bag([source], contract, tmp_path / 'demos', options or ImportOptions())
    paths = [tmp_path / 'demos' / report.name for report in done if report.kept]
    episodes = [read_episode(path, contract) for path in paths]
    for path, episode in zip(paths, episodes):
        assert_same(aligned_episode(path, contract), episode)
    return done, episodes


def assert_same(one, other):
    """Two episodes are the same to the bit."""
    for name in ('observations', 'actions', 'age', 'skew', 'gap'):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def stamped(message, stamp):
    """A copy of a message with another stamp [ns]."""
    seconds, rest = divmod(stamp, SECOND)
    stamp = replace(message.header.stamp, sec=seconds, nanosec=rest)
    return replace(message, header=replace(message.header, stamp=stamp))


def restamped(rows, topic, change):
    """The rows with the stamps of a topic changed by a function of index and stamp [ns]."""
    changed, index = [], 0
    for name, time, message in rows:
        if name == topic:
            message, index = stamped(message, change(index, stamp_ns(message))), index + 1
        changed.append((name, time, message))
    return changed


def simulated(rows, wall, first=5 * SECOND):
    """A recording by the wall clock of a simulation whose time [s] is a function of the stamps."""
    changed = []
    for topic, time, message in rows:
        if stamp_ns(message):
            message = stamped(message, stamp_ns(message) - BEGIN + first)
        changed.append((topic, BEGIN + round(SECOND * wall((time - BEGIN) / SECOND)), message))
    return changed


def with_receive(*names):
    """The contract with some observations whose time is when they were received."""
    observations = {name: {**entry, **({'clock': 'receive'} if name in names else {})}
                    for name, entry in ARM['observations'].items()}
    return parse_contract({**ARM, 'observations': observations})
