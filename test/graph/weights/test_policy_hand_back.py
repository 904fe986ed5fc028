# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A policy pauses while a person drives and plans again at once when they let go."""

from inril_ros.msg import EpisodeEvent
from played_arm import CHUNK, Player, processes
from policy_bench import Bench, made, SMALL, Version
import pytest

from inril_ros.graph.domain import reserve_domain

BACK = 2 * CHUNK + 2  # the tick from which the policy plans again: in the middle of a chunk


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    with reserve_domain() as domain, Player(domain) as player:
        bench = Bench(player)
        bench.send(Version.of(made(SMALL, 0)))
        with processes(tmp_path_factory.mktemp('policy'), domain, policy_node={}) as supervisor:
            player.check = supervisor.check
            player.wait_ready('policy_node')
            bench.wait_version(1)
            yield bench


@pytest.mark.parametrize('seen_first', [True, False])
def test_the_policy_plans_from_the_tick_at_which_the_person_let_go(bench, seen_first):
    episode = bench.begin(decisions=6)
    bench.decide(episode, 0)
    taken = episode._event(EpisodeEvent.TAKEN_OVER, episode.stamp(0), tick=1)
    bench.player.play([taken])
    bench.player.call('policy_node/ready')  # after its answer, everything sent before has arrived
    for tick in range(1, BACK):
        bench.player.play(episode.before_action(tick))
    handed = [episode._event(EpisodeEvent.HANDED_BACK, episode.stamp(BACK - 1), tick=BACK)]
    seen = episode.before_action(BACK)
    bench.player.play([*seen, *handed] if seen_first else [*handed, *seen])
    bench.player.until(lambda: any(chunk.first_tick == BACK for chunk in bench.made_in(episode)),
                       lambda: f'{[chunk.first_tick for chunk in bench.made_in(episode)]}')
    for tick in range(BACK + 1, BACK + CHUNK + 1):
        bench.player.play(episode.before_action(tick))
    bench.player.until(lambda: bench.made_in(episode)[-1].first_tick == BACK + CHUNK,
                       'the next chunk')
    made_at = [chunk.first_tick for chunk in bench.made_in(episode)]
    assert made_at == [0, BACK, BACK + CHUNK]
