# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What improves the policy by reinforcement learning: one host, one file."""
