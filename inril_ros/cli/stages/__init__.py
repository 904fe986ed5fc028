# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The stages of a job, one file each, and the job that they share."""
