# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Layouts for RViz and Foxglove, made from a robot contract."""
