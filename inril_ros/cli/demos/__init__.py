# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos``: demonstrations in folders of bags, and pictures of them."""
