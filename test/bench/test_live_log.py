# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run tells loggers its values while it runs, and learns the same with and without them."""

import importlib.util

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from inril_ros.bench.live_log import check_loggers, LiveLog
from inril_ros.bench.places import StudyPlace
from inril_ros.bench.run import execute
from inril_ros.bench.study import parse_study, StudyError

pytestmark = pytest.mark.filterwarnings('ignore:Constant')


def scalars(folder):
    events = EventAccumulator(str(folder / 'tensorboard'))
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)]
            for tag in events.Tags()['scalars']}


def test_tensorboard_has_the_values_of_a_run_and_changes_none(document, tmp_path):
    run = parse_study(document).runs()[0]
    silent = execute(run, StudyPlace(tmp_path / 'silent').run(run), tmp_path / 'clones')
    place = StudyPlace(tmp_path / 'told').run(run)
    told = execute(run, place, tmp_path / 'clones', loggers=['tensorboard'])
    assert [row['weights_hash'] for row in told] == [row['weights_hash'] for row in silent]
    found = scalars(place.folder)
    assert found['evaluation/success'] == [(row['env_steps'], row['success']) for row in told]
    assert [step for step, _ in found['training/steps']] == [40, 80, 120, 160]
    assert {'learning/rl_loss', 'learning/il_loss', 'learning/m'} <= set(found)


def test_after_a_kill_only_what_the_checkpoint_has_is_shown(document, tmp_path):
    run = parse_study(document).runs()[0]
    first = LiveLog(['tensorboard'], run, tmp_path, 0)
    for steps in (10, 20, 30):
        first.add({'x': float(steps), 'none': None, 'infinite': float('inf')}, steps)
    second = LiveLog(['tensorboard'], run, tmp_path, 20)
    second.add({'x': 21.0}, 20)
    first.close()
    second.close()
    assert scalars(tmp_path) == {'x': [(10, 10.0), (20, 21.0)]}


@pytest.mark.parametrize('name', ['wandb', 'mlflow'])
def test_other_loggers_take_the_values_too(document, tmp_path, monkeypatch, name):
    pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('WANDB_MODE', 'offline')
    monkeypatch.setenv('MLFLOW_TRACKING_URI', f'sqlite:///{tmp_path}/mlflow.db')
    run = parse_study(document).runs()[0]
    log = LiveLog([name], run, tmp_path, 0)
    log.add({'evaluation/success': 0.25}, 80)
    log.close()
    written = [path for path in tmp_path.rglob('*') if path.is_file()]
    assert any(b'evaluation/success' in path.read_bytes() or path.match('evaluation/success')
               for path in written)


def test_a_logger_that_is_unknown_or_missing_is_refused_before_any_run():
    with pytest.raises(StudyError, match="'tensorbord' is unknown; allowed are tensorboard, wand"):
        check_loggers(['tensorbord'])
    check_loggers(['tensorboard'])
    missing = [name for name in ('wandb', 'mlflow') if not importlib.util.find_spec(name)]
    for name in missing:
        with pytest.raises(StudyError, match=f'is not installed; pip install {name}'):
            check_loggers([name])
