# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rules that find problems of a robot and say what to do about them, without ROS."""
