# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The hash of a contract, and the difference of two contracts, from their plain data.

A key at its default counts as absent. New optional keys in later versions of this package thus
keep the hashes of contracts, and with them bags and checkpoints, valid. For the same reason a
default must not be changed: add another key instead. The defaults are pinned by
config/schema/contract.schema.json and its test.

Where a key comes to mean other numbers, the content gets an entry that says so: what was learned
from the numbers is refused, and bags, whose messages are the same, are known by the former hash.
"""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, MISSING
import hashlib
import json
from typing import Any

from pydantic.fields import FieldInfo

from inril_ros.robot.contract.parts import ContractParts
from inril_ros.robot.contract.quantities import depends_on_sign


def content_hash(contract: ContractParts, former: bool = False) -> str:
    """Return the SHA-256 (hex) of a contract's content; see ``Contract.hash``.

    Args:
        contract: The contract.
        former: Leave out what the same keys mean today and didn't mean before.
    """
    content = _content(contract, defaults=False)
    if not former and any(depends_on_sign(name, contract.observations, contract.derived)
                          for name in contract.policy_observations):
        content['rotations'] = 'continuous in time'
    if contract.kinematics is not None and contract.kinematics.sha256:
        del content['kinematics']['urdf']  # its content counts, not its place
    text = json.dumps(content, sort_keys=True, separators=(',', ':'))
    return hashlib.sha256(text.encode()).hexdigest()


def describe_difference(ours: ContractParts, theirs: ContractParts) -> str:
    """Return the keys in which two contracts differ, one per line; empty if they are equal."""
    left, right = (dict(_flatten(_content(one, defaults=True))) for one in (ours, theirs))
    return '\n'.join(
        f'  {key}: {left.get(key, "(absent)")!r} here, {right.get(key, "(absent)")!r} there'
        for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key))


def _content(contract: ContractParts, defaults: bool) -> dict[str, Any]:
    return {**_plain(contract, defaults), 'order of actions': list(contract.actions)}


def _plain(value: object, defaults: bool) -> Any:
    """Return a value in JSON's types, with or without the keys at their defaults."""
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name), defaults) for item in fields(value)
                if defaults or not _is_default(item, getattr(value, item.name))}
    if isinstance(value, dict):
        return {key: _plain(item, defaults) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item, defaults) for item in value]
    return value


def _is_default(item: Any, value: object) -> bool:
    default = item.default
    if isinstance(default, FieldInfo):  # pydantic keeps a factory there
        default = default.get_default(call_default_factory=True)
    return default is not MISSING and value == default


def _flatten(value: object, key: str = '') -> Iterable[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _flatten(item, f'{key}.{name}' if key else name)
    else:
        yield key, value
