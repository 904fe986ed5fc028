# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Hashes of what a run's evidence rests on, their signature, and the check of both."""
