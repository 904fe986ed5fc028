# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs a node as ``python -m`` does, and records the garbage collections in its process.

    timing_probe.py PAUSES.json LINES_PER_SECOND MODULE [ARGUMENTS]

The node logs lines while it sends, so that the effect of logging is measured, too.
"""

import gc
import importlib
import json
from pathlib import Path
import sys
import time
from typing import Any

import rclpy.logging
from rclpy.publisher import Publisher


class Pauses:
    """Begin and end [ns] of each collection, by the clock of the messages' stamps."""

    def __init__(self) -> None:
        self.found: list[tuple[int, int]] = []
        self._began = 0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _: dict) -> None:
        if phase == 'start':
            self._began = time.time_ns()
        else:
            self.found.append((self._began, time.time_ns()))


def log_while_sending(lines_per_second: float) -> None:
    """Log lines in the thread that sends, just before it does."""
    publish, logger = Publisher.publish, rclpy.logging.get_logger('timing_probe')
    last = time.monotonic()

    def logged(publisher: Publisher, message: Any) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > 1.0 / lines_per_second:
            last = now
            logger.info(f'about to send on {publisher.topic_name}, as a node might say')
        publish(publisher, message)

    Publisher.publish = logged


def main() -> int:
    """Run the module; write the pauses when it ends."""
    path, lines, module, *arguments = sys.argv[1:]
    pauses = Pauses()
    if float(lines) > 0.0:
        log_while_sending(float(lines))
    sys.argv = [module, *arguments]
    try:
        return importlib.import_module(module).main()
    finally:
        Path(path).write_text(json.dumps(pauses.found), encoding='utf-8')


if __name__ == '__main__':
    sys.exit(main())
