# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is in a bag before it means anything: metadata, types, messages."""
