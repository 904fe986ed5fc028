# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Learning: torch and numpy only.

No ROS, no bags, no clock. Everything that a fine-tuning run computes is here, so that the learner
process and a benchmark without ROS run the same code.
"""
