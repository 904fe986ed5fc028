# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights in pieces: manifest, assembly, verification, and the gate."""
