# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of faults names tests that exist."""

import ast
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).resolve().parents[2]


def rows():
    """Return the rows of the table: fault and names of its tests."""
    lines = (ROOT / 'docs/reference/fault_tests.md').read_text().splitlines()
    cells = [line.strip('|').split('|') for line in lines if line.startswith('|')][2:]
    return [(fault.strip(), tests) for fault, _, tests in cells]


@pytest.mark.parametrize(('fault', 'tests'), rows())
def test_a_fault_has_tests_that_exist(fault, tests):
    named = re.findall(r'`(test/[\w/]+\.py)::(\w+)`', tests)
    assert named and tests.count('`') == 2 * len(named), fault
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name
