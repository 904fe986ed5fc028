# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The contract of a robot: its parts, checks, how it is read, hashed and drafted."""
