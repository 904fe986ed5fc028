# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run whose demonstrations are edited in every way; each image tells its tick by its grey."""

import shutil
from types import SimpleNamespace

import numpy as np
from one_camera_arm import one_camera_arm
from synthetic_robot import bag_of, recording
import yaml

from inril_ros.data.demonstrations import editing
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.robot.contract.contract import load_contract

TICKS, SIZE = 20, 24
#: Name, the ticks that are used, and whether it is a success.
EXPECTED = {'0000_a': (range(0, 20), True), '0001_b': (range(3, 16), True),
            '0002_c.1': (range(0, 8), False), '0002_c.2': (range(8, 20), True),
            '0004_e': (range(0, 20), False)}
IMITATED = {name: ticks for name, (ticks, success) in EXPECTED.items() if success}


def edited_run(folder):
    """The run: untouched, trimmed, split, dropped, and labelled a failure."""
    folder.mkdir(exist_ok=True)
    (folder / 'arm.yaml').write_text(yaml.safe_dump(one_camera_arm(SIZE, SIZE)))
    run = RunDirectory.create(folder / 'run', new_settings('lift', 0, folder / 'arm.yaml'))
    contract = load_contract(run.contract)
    for number, letter in enumerate('abcde'):
        bag_of(run.demonstrations, recording(contract, TICKS, seed=number, picture=_grey),
               f'{number:04d}_{letter}')
    demos = run.demonstrations
    editing.trim(demos / '0001_b', contract, 'anna', 3, 4, 'slow')
    editing.split(demos / '0002_c', contract, 'anna', 8, 'failure')
    editing.drop(demos / '0003_d', 'ben', 'bumped the table')
    editing.label(demos / '0004_e', 'failure', 'ben')
    return SimpleNamespace(run=run, contract=contract, demos=demos)


def _grey(seconds):
    return np.full((SIZE, SIZE, 3), np.clip(round(100 * seconds), 0, 255), np.uint8)


def without_edits(folder):
    """A copy of a folder of demonstrations as they were recorded."""
    copy = folder.with_name('recorded')
    shutil.copytree(folder, copy)
    for file in copy.glob('*.edits.json'):
        file.unlink()
    return copy
