# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights on the wire: the policy's process takes what is whole and its own, and nothing else."""
