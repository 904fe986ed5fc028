# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""For an incomplete run there is one clear message, and the run is unchanged."""

import shutil

from command_line import refused, succeeded
import pytest
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
import running_command
from sawyer_contract import with_key
from small_run import copy_after, demo_arguments, finetune_arguments, read, SETTINGS, TASK, tree
import yaml

from inril_ros.data.raw.typestore import ros_typestore


def without_topic(bag, topic):
    """Rewrite a bag without one topic."""
    whole = bag.with_name('whole')
    bag.rename(whole)
    with Reader(whole) as reader, Writer(
            bag, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        kept = {
            each.id: writer.add_connection(each.topic, each.msgtype, typestore=ros_typestore())
            for each in reader.connections if each.topic != topic}
        for connection, stamp, raw in reader.messages():
            if connection.id in kept:
                writer.write(kept[connection.id], stamp, raw)
    shutil.rmtree(whole)


def test_cloning_needs_a_run_and_demonstrations(finished, tmp_path):
    assert 'no run' in refused('pretrain', tmp_path / 'nowhere')
    run = copy_after(finished.run_dir, tmp_path / 'run', 'record')
    shutil.rmtree(run / 'demonstrations')
    before = tree(run)
    error = refused('pretrain', run)
    assert 'demonstrations' in error and 'inril record' in error
    assert tree(run) == before


def test_fine_tuning_needs_a_cloned_model(recorded, settings, tmp_path):
    before = tree(recorded)
    error = refused(*finetune_arguments(recorded, settings))
    assert 'inril pretrain' in error and str(recorded / 'pretrained') in error
    assert tree(recorded) == before


def test_a_bag_without_a_needed_topic_is_named_and_can_be_replaced(finished, recorded, tmp_path):
    bag = sorted((recorded / 'demonstrations').iterdir())[1]
    without_topic(bag, '/hand_pose')
    before = tree(recorded)
    error = refused('pretrain', recorded, '--clone-steps', 2)
    assert f"{bag}: lacks the topics ['hand_pose']" in error
    assert tree(recorded) == before
    shutil.rmtree(bag)
    shutil.copytree(finished.run_dir / 'demonstrations' / bag.name, bag)
    succeeded('pretrain', recorded, '--clone-steps', 2)


def test_a_bag_of_another_contract_is_refused(recorded, tmp_path):
    with_key(recorded / 'contract.yaml', 'actions.hand_velocity.maximum', [0.5, 0.5, 0.5])
    error = refused('pretrain', recorded, '--clone-steps', 2)
    assert str(recorded / 'demonstrations') in error and 'recorded under contract' in error
    assert not (recorded / 'pretrained').exists()


def test_a_damaged_model_is_not_evaluated(finished, recorded, tmp_path):
    run = copy_after(finished.run_dir, tmp_path / 'damaged', 'pretrain')
    weights = run / 'pretrained' / 'model.safetensors'
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    arguments = ('evaluate', run, '--model', 'pretrained', '--episodes', 1, '--json')
    error = running_command.refused(tmp_path, *arguments)
    assert str(weights) in error and 'damaged' in error
    assert 'policy_node' in error
    weights.write_bytes(whole)
    running_command.succeeded(tmp_path, *arguments)
    assert read(run / 'evaluations' / 'pretrained.json')['n'] == 1


def test_only_the_two_models_of_a_run_are_evaluated(recorded, tmp_path):
    assert 'pretrained or finetuned' in refused('evaluate', recorded, '--model', 'best')
    assert 'pretrained is missing' in refused('evaluate', recorded, '--model', 'pretrained')


@pytest.mark.parametrize(('change', 'words'), [
    (('--seed', '5'), 'seed: 5 asked for, 0 in the run'),
    (('--task', 'push'), f"task: 'push' asked for, '{TASK}' in the run")])
def test_another_run_is_not_resumed(change, words, finished, settings, tmp_path):
    before = tree(finished.run_dir)
    error = refused(*demo_arguments(finished.run_dir, settings), '--resume', *change)
    assert words in error
    assert tree(finished.run_dir) == before


def test_fine_tuning_is_not_resumed_with_other_settings(cloned, settings, tmp_path):
    # Started and interrupted at once: it has been started with these settings.
    (cloned / 'finetune').mkdir()
    begun = {**yaml.safe_load(SETTINGS), 'imitation_source': 'both'}
    del begun['evaluation']  # no setting of a session
    (cloned / 'finetune' / 'config.yaml').write_text(yaml.safe_dump(begun))
    before = tree(cloned)
    error = refused(*finetune_arguments(cloned, settings, '--resume', '--m', 8))
    assert 'm: 8 asked for, 4 in the run' in error
    assert tree(cloned) == before
