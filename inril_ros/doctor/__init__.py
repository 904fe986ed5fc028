# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What may be wrong around a robot, and what to do about it: rules without ROS."""
