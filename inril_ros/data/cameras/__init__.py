# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The views that the cameras of a run had in its demonstrations, and whether they still do."""
