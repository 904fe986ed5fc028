# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes and bags in numpy: reading, writing, alignment, import and export."""
