# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""All that may change or stop a command on its way to the arm, and nothing else."""
