# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The commands of a recording, made actions."""
