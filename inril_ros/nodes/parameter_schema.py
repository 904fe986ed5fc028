# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes the JSON Schema of ROS parameter files for our nodes, from the nodes' tables.

python -m inril_ros.nodes.parameter_schema > config/schema/parameters.schema.json

An editor completes and explains parameters by it, and ``graph/parameter_file.py`` checks files
with it: launch files and the command need neither ROS nor torch for that.
"""

import json
from typing import Any

from inril_ros.nodes.base.parameters import COMMON, Parameter
from inril_ros.nodes.parameter_document import NODES

_KINDS = {bool: 'boolean', int: 'integer', float: 'number', str: 'string'}
_CLOCK = Parameter('use_sim_time', False, 'follow /clock')  # every ROS node has it


def schema() -> dict[str, Any]:
    """Return the schema: under ``$defs`` the parameters of each node by its executable's name."""
    tables = {module.__name__.rpartition('.')[2]: module.PARAMETERS for module in NODES}
    return {
        '$schema': 'https://json-schema.org/draft/2020-12/schema',
        'description': 'A ROS 2 parameter file. A key names a node, /** each node; with a '
                       'namespace: /left/actuation_node, /**/actuation_node.',
        'type': 'object',
        'patternProperties': {
            **{rf'^(.*/)?{name}$': _section({'$ref': f'#/$defs/{name}'}) for name in tables},
            r'^(.*/)?\*{1,2}$': _section({'type': 'object'})},
        'additionalProperties': False,
        '$defs': {name: {
            'type': 'object', 'additionalProperties': False,
            'properties': {entry.name: _property(entry) for entry in (*COMMON, _CLOCK, *table)},
        } for name, table in tables.items()},
    }


def schema_text() -> str:
    """Return the text of the schema's file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + '\n'


def _section(parameters: dict[str, Any]) -> dict[str, Any]:
    return {'type': 'object', 'additionalProperties': False, 'required': ['ros__parameters'],
            'properties': {'ros__parameters': parameters}}


def _property(entry: Parameter) -> dict[str, Any]:
    kind = ({'type': 'array', 'items': {'type': 'string'}} if isinstance(entry.default, list)
            else {'type': _KINDS[type(entry.default)]})
    if entry.minimum is not None:
        kind |= {'minimum': entry.minimum, 'maximum': entry.maximum}
    return {**kind, 'default': entry.default, 'description': entry.description}


if __name__ == '__main__':
    print(schema_text(), end='')
