# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What off-policy hosts remember, and how their batches are drawn from it."""
