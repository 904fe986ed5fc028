# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When things are due and how late they come: ticks and inference."""
