# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Camera topics that are video, and other images that are not of sensor_msgs, in recordings."""
