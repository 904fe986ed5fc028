# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Experience that is never lost: append, replay, acknowledge, retain."""
