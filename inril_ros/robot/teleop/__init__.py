# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person at a device wants, from what the device says: settings, mapping, keys."""
