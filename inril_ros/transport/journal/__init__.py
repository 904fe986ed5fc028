# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The journal of transitions, from which they are sent until acknowledged: none is lost."""
