# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run's file of alignment: what each event measured, also across a restart of the learner."""

from pathlib import Path

import pytest

from inril_ros.data.record_files import read_json_lines
from inril_ros.learning.interleave.alignment_events import pooled_again
from inril_ros.nodes.learner.alignment_file import AlignmentFile


def logged(updates: int, inner: float = 0.5) -> dict[str, float]:
    """Return what an update logs that measured alignment; one layer has all parameters."""
    products = {'inner': inner, 'il_square': 1.0 + updates / 1e4, 'rl_square': 1.0}
    return {'rl_updates': float(updates), 'rl_loss': 0.1, 'alignment_needed_inner': 0.01,
            **{f'alignment_{name}': value for name, value in products.items()},
            **{f'alignment_layer/only/{name}': value for name, value in products.items()}}


def test_events_of_a_restarted_learner_are_pooled_once(tmp_path: Path) -> None:
    file = AlignmentFile(tmp_path / 'learner')
    file.add({'rl_updates': 1.0, 'rl_loss': 0.1})
    file.close()
    assert not (tmp_path / 'learner').exists()
    for number in range(12):
        file.add(logged(40 * number))
    file.close()
    continued = AlignmentFile(tmp_path / 'learner')  # from a checkpoint at update 300
    for number in range(8, 25):
        continued.add(logged(40 * number))
    continued.close()
    events = read_json_lines(tmp_path / 'learner' / 'alignment.jsonl')
    assert len(events) == 29
    pooled = pooled_again(events)
    assert sorted(pooled) == ['only', 'whole']
    assert pooled['whole'] == pooled['only'] and pooled['whole'].events == 25
    assert pooled['whole'].cosine == pytest.approx(0.5, abs=0.02)
