# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder for a safety officer: what it says, and the command that writes and checks it."""
