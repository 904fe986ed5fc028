# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person is told of a robot and may press, for the terminal and the console alike."""
