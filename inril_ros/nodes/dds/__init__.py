# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How the processes of a graph use Fast DDS."""
