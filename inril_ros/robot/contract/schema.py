# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of a contract: an editor completes keys by it and shows what they mean.

The texts are those of the classes' docstrings, so that there is one place that says what a key
is for. ``config/schema/contract.schema.json`` is this schema; a test holds the two together.
"""

from dataclasses import fields, is_dataclass
import json
import re
from typing import Any

from pydantic import TypeAdapter

from inril_ros.robot.contract import policy_images, rules, streams
from inril_ros.robot.contract.contract import Action, Contract

_CLASSES = [Contract, Action, *(
    item for module in (rules, streams, policy_images)
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
    """Return the schema as the text of its file."""
    return json.dumps(contract_schema(), indent=2, ensure_ascii=False) + '\n'


def attribute_texts(docstring: str | None) -> dict[str, str]:
    """Return what a docstring's section ``Attributes`` says, by name."""
    section = re.search(r'\n    Attributes:\n(.*)', docstring or '', re.DOTALL)
    if section is None:
        return {}
    entries = re.split(r'(?:^|\n)        (?=\w+:)', section[1])
    pairs = (entry.partition(':') for entry in entries if entry.strip())
    return {name: re.sub(r'\s+', ' ', text).strip().replace('``', '`')
            for name, _, text in pairs}
