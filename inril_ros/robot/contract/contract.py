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

from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.actions import Action
from inril_ros.robot.contract.checks import check_references
from inril_ros.robot.contract.content import content_hash, describe_difference
from inril_ros.robot.contract.parts import ContractParts
from inril_ros.robot.contract.rules import Kinematics, STRICT
from inril_ros.robot.contract.streams import Camera, Derived, Observation
from inril_ros.robot.contract.urdf_file import find_urdf
from inril_ros.robot.settings_check import checked
from inril_ros.robot.yaml_file import Lines, load_yaml

__all__ = [
    'Action', 'Camera', 'Contract', 'ContractError', 'Derived', 'describe_difference',
    'load_contract', 'Observation', 'parse_contract']


class ContractError(ValueError):
    """A contract can't be used; the message names file, key, value and what is allowed."""


@dataclass(frozen=True, config=STRICT)
class Contract(ContractParts):
    """All that recording, training and acting need to know about a robot."""

    def __post_init__(self) -> None:
        check_references(self)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content, independent of comments and of the order of keys.

        Only the order of the actions counts, because it is that of the action vector. A key at
        its default counts as absent, so that a contract keeps its hash when this package gets new
        optional keys.
        """
        return content_hash(self)

    @cached_property
    def former_hash(self) -> str:
        """The hash before quaternions were continuous in time; empty if it is the same."""
        former = content_hash(self, former=True)
        return '' if former == self.hash else former

    @property
    def recording_hash(self) -> str:
        """A hash of the content that doesn't change with what is made of the messages."""
        return self.former_hash or self.hash


def load_contract(path: str | Path) -> Contract:
    """Read and check a contract, and the URDF that it names.

    Raises:
        ContractError: The file is missing, isn't YAML, or breaks a rule; the message says which.
    """
    path = Path(path)
    data, lines = load_yaml(path, ContractError)
    contract = parse_contract(data, str(path), lines)
    if contract.kinematics is None:
        return contract
    return replace(contract, kinematics=_with_digest(contract.kinematics, path))


def _with_digest(kinematics: Kinematics, path: Path) -> Kinematics:
    """Return the entry with the SHA-256 of the URDF's content, which the contract's hash uses."""
    try:
        urdf = find_urdf(kinematics, path)
        digest = hashlib.sha256(urdf.read_bytes()).hexdigest()
    except OSError as error:
        raise ContractError(f'{path}:\n  kinematics.urdf: {error}') from error
    if kinematics.sha256 not in ('', digest):
        raise ContractError(f'{path}:\n  kinematics.sha256: {kinematics.sha256[:12]}..., but '
                            f'{urdf} has {digest[:12]}...: it is another URDF')
    return replace(kinematics, sha256=digest)


def parse_contract(
    data: object, source: str = 'contract', lines: Lines | None = None,
) -> Contract:
    """Check a contract given as plain data.

    Args:
        data: Content of the file.
        source: Name of the file in errors.
        lines: Lines of the keys in the file, for errors too.

    Raises:
        ContractError: It breaks a rule; the message names the key, the value and what is allowed.
    """
    return checked(Contract, data, source, ContractError, lines)
