# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run's folder, settings and progress: what stages, reports and commands all use."""
