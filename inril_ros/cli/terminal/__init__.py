# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees in the terminal of a run, and the keys by which the person answers."""
