# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A web page for the person beside the robot: only a client of the graph, in its own process."""
