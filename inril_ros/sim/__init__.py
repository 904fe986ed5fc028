# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Simulated robots, scripted operators, and episodes of them without ROS."""
