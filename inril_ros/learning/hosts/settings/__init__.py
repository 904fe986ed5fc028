# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of the hosts, which can be read without torch: it takes a second to load."""
