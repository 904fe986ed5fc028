# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cloning and fine-tuning in a Gymnasium environment, as a library: no contract, no files."""
