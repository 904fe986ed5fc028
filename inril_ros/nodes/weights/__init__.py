# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights from learner to policy: the sender, the receiver, and which version acts."""
