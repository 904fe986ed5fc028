# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The frame of a tick, made in the same way live and from a bag."""
