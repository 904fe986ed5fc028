# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of the teleop node: the devices, and the sender of their commands."""
