# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""ROS messages as arrays and back: observations, commands, images."""
