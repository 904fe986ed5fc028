# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Studies that take seconds."""

import copy

import pytest
from report_rows import POINTS, RESULTS, row
from small_study import SMALL
import yaml

from inril_ros.bench.places import json_lines, StudyPlace
from inril_ros.bench.study import parse_study
from inril_ros.data.record_files import write_whole

pytest.importorskip('metaworld')


@pytest.fixture
def document():
    """Plain data of a small study, to be changed by the test."""
    return copy.deepcopy(SMALL)


@pytest.fixture
def study(document):
    return parse_study(document)


@pytest.fixture
def place(document, tmp_path):
    """A study of three arms with its results, as if it had been run."""
    document.update(env_steps=100, evaluation={'every': 50, 'episodes': 50}, seeds=[0, 1, 2])
    document['arms'] = [{'name': 'alone', 'session': {'m': None}}, {'name': 'worse'},
                        {'name': 'better', 'session': {'m': 5}}]
    place = StudyPlace(tmp_path / 'study')
    write_whole(place.study, yaml.safe_dump(document))
    for run in parse_study(document).runs():
        write_whole(place.run(run).rows, json_lines(
            row(run, at, success) for at, success in zip(
                POINTS, RESULTS[run.arm.name][run.seed], strict=True)))
    return place
