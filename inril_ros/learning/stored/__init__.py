# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Experience of a run in files, which checkpoints refer to."""
