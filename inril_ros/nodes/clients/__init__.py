# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Programs beside the graph that ask it, watch it or drive it, and command no arm."""
