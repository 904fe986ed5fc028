# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags: writing ours, reading and repairing those of any tool."""
