# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The robot contract: the one YAML file that says what a robot gives and takes.

Recording, training and acting all read the same contract, so that a number means the same thing
in a bag, in a checkpoint and on the wire. It is plain data: frozen dataclasses, validated when
loaded, hashed by content. Two contracts with the same hash are interchangeable.
"""

from dataclasses import replace
from functools import cached_property
import hashlib
from pathlib import Path
import re

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
import yaml

from inril_ros.robot.contract.actions import Action
from inril_ros.robot.contract.checks import check_references
from inril_ros.robot.contract.content import content_hash, describe_difference
from inril_ros.robot.contract.parts import ContractParts
from inril_ros.robot.contract.reading import Lines, place_of, read_yaml
from inril_ros.robot.contract.rules import (
    Kinematics,
    STRICT,
)
from inril_ros.robot.contract.streams import Camera, Derived, Observation

__all__ = [
    'Action', 'Camera', 'Contract', 'ContractError', 'Derived', 'describe_difference', 'explain',
    'load_contract', 'Observation', 'parse_contract']

class ContractError(ValueError):
    """A contract that can't be used; the message names file, key, value and what is allowed."""


@dataclass(frozen=True, config=STRICT)
class Contract(ContractParts):
    """All that recording, training and acting need to know about a robot."""

    def __post_init__(self) -> None:
        check_references(self)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the content, independent of comments and of the order of keys.

        Of the order only that of the actions counts: it is that of the action vector. A key at its
        default is as good as absent, so that a contract keeps its hash when keys are added that it
        doesn't use.
        """
        return content_hash(self)


def load_contract(path: str | Path) -> Contract:
    """Read and check a contract, and the URDF that it names.

    Raises:
        ContractError: The file is missing, isn't YAML, or breaks a rule; the message says which.
    """
    path = Path(path)
    try:
        data, lines = read_yaml(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ContractError(f'{path}: cannot be read: {error.strerror}') from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2024-13-45 is a ValueError
        raise ContractError(f'{path}: is not YAML: {error}') from error
    contract = parse_contract(data, str(path), lines)
    if contract.kinematics is None:
        return contract
    return replace(contract, kinematics=_with_digest(contract.kinematics, path))


def _with_digest(kinematics: Kinematics, path: Path) -> Kinematics:
    """Return the entry with the SHA-256 of the URDF's content, by which the contract's hash."""
    urdf = path.parent / kinematics.urdf
    try:
        digest = hashlib.sha256(urdf.read_bytes()).hexdigest()
    except OSError as error:
        raise ContractError(f'{path}:\n  kinematics.urdf: {urdf} cannot be read: '
                            f'{error.strerror}') from error
    if kinematics.sha256 not in ('', digest):
        raise ContractError(f'{path}:\n  kinematics.sha256: {kinematics.sha256[:12]}..., but '
                            f'{urdf} has {digest[:12]}...: it is another URDF')
    return replace(kinematics, sha256=digest)


def parse_contract(
    data: object, source: str = 'contract', lines: Lines | None = None,
) -> Contract:
    """Check a contract given as plain data.

    Args:
        data: The content of the file.
        source: Is named in errors.
        lines: Of the keys in the file, likewise.

    Raises:
        ContractError: It breaks a rule; the message names the key, the value and what is allowed.
    """
    if not isinstance(data, dict):
        raise ContractError(f'{source}: must be a mapping of keys, got {type(data).__name__}')
    try:
        return TypeAdapter(Contract).validate_python(data)
    except ValidationError as error:
        told = '\n'.join(explain(item, lines) for item in error.errors())
        raise ContractError(f'{source}:\n{told}') from error


def explain(item: dict, lines: Lines | None = None) -> str:
    """Return one line about one error of pydantic: place, key, what is allowed, value."""
    key = '.'.join(str(part) for part in item['loc'])
    message = re.sub(r'^Value error, ', '', item['msg'])
    place = place_of(item['loc'], message, lines)
    if item['type'] in ('unexpected_keyword_argument', 'extra_forbidden'):
        return f'  {place}{key}: unknown key'
    if item['type'] in ('missing', 'missing_argument'):
        return f'  {place}{key}: missing'
    value = str(item['input'])[:120]
    return f'  {place}{key or "(whole file)"}: {message} (value: {value!r})'
