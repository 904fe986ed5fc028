# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What learning and acting cost: timing and speed, measured and reported."""
