# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Message types, serialised messages, and a hash of a bag's content, without ROS."""
