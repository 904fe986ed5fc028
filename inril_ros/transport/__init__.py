# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights in verified pieces, and the journal of transitions. No ROS, no clock of its own."""
