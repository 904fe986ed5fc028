# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""ROS 2 nodes, thin: messages in, calls down, messages out."""
