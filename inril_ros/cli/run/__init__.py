# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run's folder, settings and progress, for stages, reports and commands."""
