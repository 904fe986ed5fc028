# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The parameter documentation lists what the nodes declare."""

from pathlib import Path

from inril_ros.nodes.parameter_document import document


def test_the_document_is_current():
    path = Path(__file__).parents[2] / 'docs' / 'reference' / 'parameters.md'
    assert path.read_text(encoding='utf-8') == document(), (
        'run: python -m inril_ros.nodes.parameter_document > docs/reference/parameters.md')
