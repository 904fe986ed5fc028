# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Studies that take seconds."""

import copy

import pytest
from small_study import SMALL

from inril_ros.bench.study import parse_study

pytest.importorskip('metaworld')

@pytest.fixture
def document():
    """Plain data of a small study, to be changed by the test."""
    return copy.deepcopy(SMALL)


@pytest.fixture
def study(document):
    return parse_study(document)
