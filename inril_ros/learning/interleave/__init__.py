# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The method: when to imitate (schedule), what (sources), separation, alignment and dose."""
