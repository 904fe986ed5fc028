# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The parameter documentation and schema list what the nodes declare."""

from pathlib import Path

from inril_ros.nodes.parameter_document import document
from inril_ros.nodes.parameter_schema import schema_text

ROOT = Path(__file__).parents[2]


def test_the_document_is_current():
    path = ROOT / 'docs' / 'reference' / 'parameters.md'
    assert path.read_text(encoding='utf-8') == document(), (
        'run: python -m inril_ros.nodes.parameter_document > docs/reference/parameters.md')


def test_the_schema_is_current():
    path = ROOT / 'config' / 'schema' / 'parameters.schema.json'
    assert path.read_text(encoding='utf-8') == schema_text(), (
        'run: python -m inril_ros.nodes.parameter_schema > config/schema/parameters.schema.json')
