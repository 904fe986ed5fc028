# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The picture and the TensorBoard files of a run hold its numbers."""

import cv2
import numpy as np
import pytest

from inril_ros.cli.report.learning_curve import learning_curve_png
from inril_ros.cli.report.tensorboard import write_tensorboard
from inril_ros.data.record_files import read_json_lines


def bar_heights(path):
    """Return the heights [pixel] of the two bars, which are found by their colours."""
    picture = cv2.imread(str(path))
    assert picture.shape == (600, 1500, 3)
    left = picture[:, :470].astype(int)
    heights = []
    for colour in ((0x9a, 0x92, 0x8a), (0x8b, 0x6f, 0x1f)):  # blue, green, red
        rows = np.nonzero((np.abs(left - colour).sum(axis=2) < 6).sum(axis=1) > 30)[0]
        heights.append(rows.max() - rows.min() + 1 if len(rows) else 0)
    return heights


def test_the_bars_of_the_picture_are_as_high_as_the_rates(sample_run, tmp_path):
    learning_curve_png(sample_run.path, tmp_path / 'curve.png')
    before, after = bar_heights(tmp_path / 'curve.png')
    assert before / after == pytest.approx(0.38 / 0.88, abs=0.01)


def test_an_evaluation_that_is_missing_is_not_drawn(sample_run, tmp_path):
    sample_run.evaluation('finetuned').unlink()
    learning_curve_png(sample_run.path, tmp_path / 'curve.png')
    before, after = bar_heights(tmp_path / 'curve.png')
    assert before > 0 and after == 0


def test_there_is_no_picture_of_nothing(sample_run, tmp_path):
    for path in (sample_run.evaluation('finetuned'), sample_run.evaluation('pretrained'),
                 sample_run.episodes):
        path.unlink()
    with pytest.raises(ValueError, match='neither evaluations nor training episodes'):
        learning_curve_png(sample_run.path, tmp_path / 'curve.png')
    assert not (tmp_path / 'curve.png').exists()


def test_tensorboard_gets_every_number_once(sample_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
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
        row['outcome'] == 'success' for row in episodes]
    assert success[-1].wall_time == pytest.approx(episodes[-1]['time'])
    assert len(events.Scalars('episode/running_success')) == len(episodes) - 19
