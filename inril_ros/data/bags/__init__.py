# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags of ours: writing, reading, recovering, surveying."""
