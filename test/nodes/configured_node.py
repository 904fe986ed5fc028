# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node in the test's own process, configured and not active."""

from contextlib import contextmanager

import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
import yaml


@contextmanager
def configured(kind, contract, **parameters):
    """Yield a node of a class, in a context of its own."""
    context = Context()
    rclpy.init(context=context)
    node = kind(context=context, parameter_overrides=[
        Parameter(name, value=value)
        for name, value in {'contract': str(contract), **parameters}.items()])
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    yield node
    node.trigger_shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def written(description, folder):
    """Return the file of a contract that is written from its description."""
    path = folder / 'contract.yaml'
    path.write_text(yaml.safe_dump(description), encoding='utf-8')
    return path
