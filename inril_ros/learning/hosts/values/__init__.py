# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What hosts learn values with: critics, state values, advantages, bounds and the entropy term."""
