# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of the teleop node: one file per kind of device, and what is sent."""
