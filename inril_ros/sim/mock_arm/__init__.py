# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A mock arm: controllers, dynamics, camera and faults of a ros2_control robot in real time."""
