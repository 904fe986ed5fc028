# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Names of topics and services of a robot in a namespace."""


def absolute_topic(topic: str, namespace: str) -> str:
    """Return the full name of a topic of the contract in a namespace: left, /left or /left/."""
    space = namespace.strip('/')
    if topic.startswith('/'):
        return topic
    return f'/{space}/{topic}' if space else f'/{topic}'
