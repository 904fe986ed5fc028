# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings that others made, turned into demonstrations."""
