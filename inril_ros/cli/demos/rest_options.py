# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The options about rest at the ends of demonstrations."""

from dataclasses import dataclass, fields
from typing import Annotated

import typer

from inril_ros.cli.run.given_settings import given
from inril_ros.data.audit.rest_rules import RestRules
from inril_ros.data.run.settings import Settings


@dataclass(frozen=True)
class Rest:
    """Rest at the ends of demonstrations. It is left out where they are learned from."""

    rest: Annotated[float | None, typer.Option(
        min=0.0, max=0.5, help="Share of a joint's range, and of the highest speed of a velocity "
                               'command, up to which it rests; 0: nothing is left out.',
        show_default=str(RestRules.share))] = None
    rest_begin: Annotated[float | None, typer.Option(
        min=0.0, max=3600.0, help='Seconds of rest at the beginning that are kept.',
        show_default=str(RestRules.begin))] = None
    rest_end: Annotated[float | None, typer.Option(
        min=0.0, max=3600.0, help='Seconds of rest at the end that are kept.',
        show_default=str(RestRules.end))] = None

    def given(self) -> Settings:
        """Return the given settings."""
        return given(**{'rest.share': self.rest, 'rest.begin': self.rest_begin,
                        'rest.end': self.rest_end})

    def rules(self) -> RestRules:
        """Return the rules of the options that were given; the others are defaults."""
        values = (self.rest, self.rest_begin, self.rest_end)
        return RestRules(**{each.name: value for each, value in zip(
            fields(RestRules), values, strict=True) if value is not None})
