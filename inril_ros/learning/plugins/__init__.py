# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Hosts, policies, controllers and imitation sources that other packages bring."""
