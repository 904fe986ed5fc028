# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Faults done to a running graph, and a matrix of their effects."""
