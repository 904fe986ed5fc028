# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The stages in which a robot runs episodes: who asks for them, how many, and what is noted."""
