# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The policy's action chunks as the actuation node receives them."""

from collections.abc import Callable

import numpy as np

from inril_ros.msg import ActionChunk
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.episode import EpisodeMachine
from inril_ros.robot.motion.command_path import CommandPath


class ChunkInput:
    """Passes chunks of the running episode on to the command path.

    Attributes:
        refused: Number of chunks that could not be used.
    """

    def __init__(self, node: ManagedNode, path: CommandPath, machine: EpisodeMachine,
                 on_chunk: Callable[[], None]) -> None:
        self._log = node.get_logger()
        self._path = path
        self._machine = machine
        self._on_chunk = on_chunk
        self.refused = 0
        node.create_subscription(ActionChunk, 'action_chunk', self._on_message, qos.EVENT)

    def _on_message(self, message: ActionChunk) -> None:
        request = self._machine.request
        if request is None or message.episode_id != request.episode_id:
            self.refused += 1
            return
        refusal = f'{len(message.actions)} values for {message.steps} x {message.size}'
        if len(message.actions) == message.steps * message.size:
            refusal = self._path.accept_chunk(
                message.first_tick, np.array(message.actions, np.float32).reshape(
                    message.steps, message.size), message.weights_version)
        if refusal:
            self.refused += 1
            self._log.error(f'chunk refused: {refusal}', throttle_duration_sec=1.0)
            return
        self._on_chunk()
