# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Shared fixtures of the tests of transport."""

import pytest


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a journal, which is not there yet."""
    return tmp_path / 'run' / 'journal'
