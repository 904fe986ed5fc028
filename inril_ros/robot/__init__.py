# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The robot as numbers: contract, codecs, safety gate, arbitration, geometry."""
