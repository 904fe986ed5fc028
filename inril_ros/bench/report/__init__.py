# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report of a study: learning curves, tables, figures and their words."""
