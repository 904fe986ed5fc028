# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Starting, watching and ending the nodes of one run as processes."""
