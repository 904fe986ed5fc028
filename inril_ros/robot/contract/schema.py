# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of a contract, by which an editor completes and explains keys.

Its texts are those of the classes' docstrings, so that each key is explained in one place. A test
keeps ``config/schema/contract.schema.json`` equal to it.
"""

from dataclasses import fields, is_dataclass
import json
import re
from typing import Any

from pydantic import TypeAdapter

from inril_ros.robot.contract import load_limits, rules, streams
from inril_ros.robot.contract.contract import Action, Contract

_CLASSES = [Contract, Action, *(
    item for module in (rules, streams, load_limits)
    for item in vars(module).values() if isinstance(item, type) and is_dataclass(item))]


def contract_schema() -> dict[str, Any]:
    """Return the JSON Schema of a contract."""
    schema = TypeAdapter(Contract).json_schema()
    about = {item.__name__: item for item in _CLASSES}
    for name, entry in {**schema['$defs'], 'Contract': schema}.items():
        texts = {key: text for item in reversed(about[name].__mro__)
                 for key, text in attribute_texts(item.__doc__).items()}
        missing = {item.name for item in fields(about[name])} - texts.keys()
        if missing:
            raise ValueError(f'{name}: its docstring lacks {sorted(missing)}')
        entry['description'] = about[name].__doc__.split('\n')[0]
        for key, value in entry['properties'].items():
            value['description'] = texts[key]
    return {'$schema': 'https://json-schema.org/draft/2020-12/schema', **schema}


def schema_text() -> str:
    """Return the text of the schema's file."""
    return json.dumps(contract_schema(), indent=2, ensure_ascii=False) + '\n'


def attribute_texts(docstring: str | None) -> dict[str, str]:
    """Return the texts of a docstring's section ``Attributes`` by name."""
    section = re.search(r'\n    Attributes:\n(.*)', docstring or '', re.DOTALL)
    if section is None:
        return {}
    entries = re.split(r'(?:^|\n)        (?=\w+:)', section[1])
    pairs = (entry.partition(':') for entry in entries if entry.strip())
    return {name: re.sub(r'\s+', ' ', text).strip().replace('``', '`')
            for name, _, text in pairs}
