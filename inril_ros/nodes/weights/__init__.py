# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights between learner and policy node: sending, receiving, which version acts."""
