# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A full disk and a killed recorder cost the running episode, and no finished one."""

import os
import resource
import signal

from geometry_msgs.msg import TwistStamped
from inril_ros.msg import EpisodeEvent
from played_arm import CONTRACT, DEMONSTRATION, PlayedEpisode, Player, processes
import pytest
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Joy

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.bags.repair import repair_bag
from inril_ros.data.bags.storage import files_of, STORAGES
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import NodeDied
from inril_ros.nodes.base import qos

SMALL = 2048  # [byte] smaller than any bag
DRIVEN = {'command': TwistStamped, 'teleop/twist': TwistStamped, 'teleop/joy': Joy}


class Driven(PlayedEpisode):
    """A demonstration, with messages of a person's device and of the command at each tick."""

    def step(self, tick):
        messages = super().step(tick)
        header = messages[-1][1].header
        return [*messages, *((topic, kind(header=header)) for topic, kind in DRIVEN.items())]


@pytest.mark.parametrize('storage', STORAGES)
def test_a_full_disk_and_a_kill_leave_every_finished_episode(tmp_path, storage):
    folder = tmp_path / 'demonstrations'
    parameters = {'demonstrations': str(folder), 'storage': storage}
    with reserve_domain() as domain, Player(domain) as player, processes(
            tmp_path, domain, recorder_node=parameters) as nodes:
        player.check = nodes.check
        player._publishers.update(
            {topic: player.publisher(kind, topic, qos.RECORD) for topic, kind in DRIVEN.items()})
        player.call('recorder_node/ready')
        process = nodes.process_id('recorder_node')

        def play(number, ticks=6):
            episode = Driven(number * 10 ** 10, ticks, purpose=DEMONSTRATION)
            player.play(episode.messages())
            return episode

        def saved(episode):
            player.until(lambda: player.event(episode, EpisodeEvent.SAVED), 'the bag')

        saved(play(1))
        before = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (SMALL, before[1]))
        full = play(2)
        player.until(lambda: player.event(full, EpisodeEvent.DISCARDED), 'the end of the disk')
        reason = player.event(full, EpisodeEvent.DISCARDED).reason
        assert str(folder / '0001_') in reason
        assert 'could not be written' in reason or 'disk I/O error' in reason
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
        saved(play(3))

        running = Driven(4 * 10 ** 10, 20_000, purpose=DEMONSTRATION)
        player.play([*running.opening(), *running.steps(3)])
        tick = 3

        def written():  # the first piece surely: a second one has begun
            nonlocal tick
            player.play(running.steps(tick, tick + 20))
            tick += 20
            return sum(file.stat().st_size for part in folder.glob('0003_*.tmp')
                       for file in files_of(part)) > 2_600_000
        player.until(written, 'two pieces of the fourth bag')
        os.kill(process, signal.SIGKILL)
        with pytest.raises(NodeDied):
            player.until(lambda: False, 'the death of the recorder')

    assert [len(read_episode(path, CONTRACT).actions) for path in find_bags(folder)] == [6, 6]
    states = [one.state for one in list_demonstrations(folder)]
    assert states.count('kept') == 2 and states.count('unfinished') == 2
    [partial] = folder.glob('0003_*.tmp')
    repaired = repair_bag(partial)
    with AnyReader([repaired.path]) as reader:
        assert reader.message_count == repaired.messages > 1000
        assert {'/hand', '/executed_action'} <= {each.topic for each in reader.connections}
