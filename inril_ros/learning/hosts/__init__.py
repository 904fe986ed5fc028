# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The hosts: the RL algorithms that imitation is interleaved with, one per file."""
