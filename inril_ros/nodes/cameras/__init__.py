# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether cameras show what they showed in the demonstrations, for those nodes that need it."""
