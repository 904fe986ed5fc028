# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sets of demonstrations, and their aligned arrays, kept beside the bags."""
