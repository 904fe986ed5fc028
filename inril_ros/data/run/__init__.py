# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The records of a run: folder, settings, episodes, and what they come to."""
