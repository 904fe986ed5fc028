# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What every node is built on: lifecycle, parameters, QoS, diagnostics, message types."""
