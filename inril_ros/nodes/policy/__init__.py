# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the policy node needs besides its weights."""
