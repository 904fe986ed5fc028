# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The arm of Gazebo and its MuJoCo twin, both from one SDF world."""
