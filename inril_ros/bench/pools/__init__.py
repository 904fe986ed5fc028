# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the runs of a study are done: processes of this machine, or a Ray cluster."""
