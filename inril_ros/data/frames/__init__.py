# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames: the observations at a tick, made in the same way live and from a bag."""
