# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Simulated robots and scripted operators, without ROS."""
