# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""LeRobot data sets, to and from our bags."""
