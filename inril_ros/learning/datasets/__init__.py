# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Readers of data sets of others as demonstrations: robomimic, D4RL and Minari, without ROS."""
