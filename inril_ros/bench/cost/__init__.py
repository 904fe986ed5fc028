# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""CPU time of simulating, acting and learning."""
