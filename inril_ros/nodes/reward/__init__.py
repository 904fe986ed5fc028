# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the reward node keeps of the episode that it judges."""
