# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Node parameters as tables of name, default, meaning and range."""

from dataclasses import dataclass
import json

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

Value = str | bool | int | float | list[str]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: The parameter's name.
        default: Its default, which also fixes its type.
        description: Its meaning, with the unit.
        read_only: Whether it can be set only when the node starts.
        minimum: Lowest value of a number; None: no range.
        maximum: Highest value of a number.
    """

    name: str
    default: Value
    description: str
    read_only: bool = True
    minimum: float | None = None
    maximum: float | None = None

    def descriptor(self) -> ParameterDescriptor:
        """Return the parameter's ROS description."""
        descriptor = ParameterDescriptor(description=self.description, read_only=self.read_only)
        if self.minimum is not None and isinstance(self.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(self.minimum), to_value=float(self.maximum))]
        elif self.minimum is not None:
            descriptor.integer_range = [
                IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum))]
        return descriptor


#: Parameters that every node of the graph has.
COMMON = (
    Parameter('contract', '', 'path of the robot contract (YAML)'),
    Parameter('run_id', '', 'UUID of the run; empty: any run'),
    Parameter('lockstep', False,
              'simulated time waits until every node has acted: as fast as it can be, repeatable'),
    Parameter('autostart', True, 'configure and activate when the node starts'),
)


def declare(node: Node, table: tuple[Parameter, ...]) -> None:
    """Declare all parameters of a table."""
    for entry in table:
        node.declare_parameter(entry.name, entry.default, entry.descriptor())


def help_text(about: str, table: tuple[Parameter, ...]) -> str:
    """Return the ``--help`` text of a node."""
    lines = [about.strip(), '', 'Parameters (--ros-args -p NAME:=VALUE):']
    for entry in table:
        lines += [f'  {entry.name} = {_literal(entry.default)}{_range(entry)}',
                  f'      {entry.description}']
    return '\n'.join(lines)


def markdown_table(table: tuple[Parameter, ...]) -> str:
    """Return the Markdown table of a node's parameters."""
    lines = ['| parameter | default | meaning |', '|---|---|---|']
    lines += [f'| `{entry.name}` | `{_literal(entry.default)}` | '
              f'{entry.description}{_range(entry)} |' for entry in table]
    return '\n'.join(lines)


def _literal(value: Value) -> str:
    return json.dumps(value)


def _range(entry: Parameter) -> str:
    return '' if entry.minimum is None else f' ({entry.minimum:g} to {entry.maximum:g})'
