# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An arm that is not there: controllers, dynamics and faults, in real time."""
