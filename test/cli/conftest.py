# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the commands share."""

import pytest
from sample_run import write_sample_run


@pytest.fixture
def sample_run(tmp_path):
    """Return a finished run."""
    return write_sample_run(tmp_path / 'run')
