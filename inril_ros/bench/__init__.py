# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Studies: many fine-tuning sessions over simulation, without ROS, and what came of them."""
