# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The TensorBoard files of a run hold its numbers."""

import pytest
from sample_run import rescue

from inril_ros.cli.report.tensorboard import follow_tensorboard, write_tensorboard
from inril_ros.data.record_files import read_json_lines


def test_tensorboard_gets_every_number_once(sample_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    rescue(sample_run, 5)
    write_tensorboard(sample_run.path)
    folder = write_tensorboard(sample_run.path)  # a second time adds nothing
    events = EventAccumulator(str(folder), size_guidance={'scalars': 0}).Reload()
    metrics, episodes = map(read_json_lines, (sample_run.metrics, sample_run.episodes))
    written = events.Scalars('loss/rl')
    known = [row for row in metrics if row['rl_loss'] is not None]
    assert [event.step for event in written] == [row['env_steps'] for row in known]
    assert [event.value for event in written] == pytest.approx([row['rl_loss'] for row in known])
    assert len(events.Scalars('loss/il_heldout')) == len(metrics)
    success = events.Scalars('episode/success')
    assert [event.value for event in success] == [
        row['outcome'] == 'success' and not row['person_ticks'] for row in episodes]
    assert sum(event.value for event in events.Scalars('episode/rescued')) == sum(
        row['outcome'] == 'success' and row['person_ticks'] > 0 for row in episodes) > 0
    assert success[-1].wall_time == pytest.approx(episodes[-1]['time'])
    assert len(events.Scalars('episode/running_success')) == len(episodes) - 19
    judged = events.Scalars('evaluation/success')
    assert [(event.step, event.value) for event in judged] == [
        (0, pytest.approx(0.4)), (20_000, pytest.approx(0.9)), (40_000, pytest.approx(0.5))]


def test_what_comes_while_a_run_goes_on_is_added_once(sample_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    whole = {path: path.read_text().splitlines(keepends=True)
             for path in (sample_run.metrics, sample_run.episodes)}
    parts = iter([0.5, 0.5, 1.0])

    def goes_on():
        share = next(parts, None)
        for path, lines in whole.items():
            path.write_text(''.join(lines[:round((share or 1.0) * len(lines))]))
        return share is not None

    for path, lines in whole.items():
        path.write_text(''.join(lines[:3]))
    folder = follow_tensorboard(sample_run.path, goes_on)
    events = EventAccumulator(str(folder), size_guidance={'scalars': 0}).Reload()
    assert [event.step for event in events.Scalars('episode/success')] == [
        row['env_steps'] for row in read_json_lines(sample_run.episodes)]
    assert len(events.Scalars('loss/il_heldout')) == len(read_json_lines(sample_run.metrics))
