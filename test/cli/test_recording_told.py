# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who records is told when a demonstration begins, when it stopped, and what was kept."""

from contextlib import contextmanager
from types import SimpleNamespace

from played_stage import PlayedStage
import pytest

from inril_ros.data.bags.dry_run import REASON
from inril_ros.data.record_files import read_json_lines
from inril_ros.nodes.clients.episode_result import EpisodeResult
from inril_ros.nodes.conducting.demonstrations import record_demonstrations
from inril_ros.robot.episode import EpisodeOutcome

DEMOS = '/runs/a/demonstrations'
LATE = 'of 42 ticks: 3 ticks without a valid observation (hand: q is 0.2 s old, 0.1 s allowed)'
#: Outcome, whether it was kept, the recorder's reason, what is told, and why it ended.
ENDS = [
    (EpisodeOutcome.TIME_LIMIT, False, f'{DEMOS}/rejected/0000_ab',
     'stopped after 4.2 s, time limit: put aside as rejected/0000_ab'),
    (EpisodeOutcome.SUCCESS, True, f'{DEMOS}/0001_cd',
     'stopped after 4.2 s, success: kept as 0001_cd'),
    (EpisodeOutcome.ABORTED, False, 'never came: executed action 7 of 42',
     'stopped after 4.2 s, aborted: not kept: never came: executed action 7 of 42'),
    (EpisodeOutcome.ABORTED, False, f'{DEMOS}/rejected/0002_aa', 'stopped after 4.2 s, aborted (a '
     'person discarded it): put aside as rejected/0002_aa', 'a person discarded it'),
    (EpisodeOutcome.SUCCESS, False, f'{REASON}: {DEMOS}/rejected/0002_ef',
     f'stopped after 4.2 s, success: put aside as rejected/0002_ef: {REASON}'),
    (EpisodeOutcome.SUCCESS, True, f'{DEMOS}/0003_01; {LATE}',
     f'stopped after 4.2 s, success: kept as 0003_01; {LATE}')]


class Graph(PlayedStage):
    """A conductor whose episodes end as listed; what was said before each begins is kept."""

    def __init__(self, said):
        self._ends, self._said, self.quiet = list(ENDS), said, []

    def run_episode(self, episode_id, purpose, begun, **seeds):
        self.quiet.append(len(self._said))
        begun()
        outcome, saved, reason, _, *cause = self._ends.pop(0)
        return EpisodeResult(episode_id, outcome, 42, saved, reason, 0, 0, 42, False, *cause)


@pytest.fixture
def told(tmp_path):
    said = []

    @contextmanager
    def bar(*_):
        yield SimpleNamespace(update=lambda *done, **facts: None)

    run = SimpleNamespace(demonstrations=tmp_path / 'demonstrations',
                          attempts=tmp_path / 'recording.jsonl',
                          recording=tmp_path / 'recording.json')
    run.demonstrations.mkdir()
    graph = Graph(said)
    record_demonstrations(SimpleNamespace(
        run=run, options=SimpleNamespace(demonstrations=2, simulation=''),
        contract=SimpleNamespace(period=0.1), episode_id=lambda *names: str(names),
        seed=lambda *names: 0, scene_seed=lambda *names: None,
        reporter=SimpleNamespace(say=said.append, bar=bar)), graph)
    return said, graph, read_json_lines(run.attempts)


def test_each_demonstration_has_a_line_when_it_begins_and_one_when_it_stopped(told):
    said, graph, rows = told
    assert said[:12:2] == [
        f'demonstration {number} of 2: recording' for number in (1, 1, 2, 2, 2, 2)]
    assert said[1:12:2] == [end[3] for end in ENDS]
    assert graph.quiet == [0, 2, 4, 6, 8, 10], 'nothing is told before it begins'
    assert [row['saved'] for row in rows] == [saved for _, saved, *_ in ENDS]
