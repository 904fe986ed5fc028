# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""ROS messages to arrays and back: observations, commands, images."""
