# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a finished run says: record, intervals, plots, page, TensorBoard."""
