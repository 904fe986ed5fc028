# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations as aligned arrays, kept beside their bags."""
