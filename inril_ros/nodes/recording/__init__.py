# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of the recorder node: bags, transitions on their way, what it reports."""
