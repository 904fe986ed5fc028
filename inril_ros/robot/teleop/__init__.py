# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Teleop devices: their settings, and the person's command from their messages or keys."""
