# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What happens when something breaks: faults done to a running graph, and what came of each."""
