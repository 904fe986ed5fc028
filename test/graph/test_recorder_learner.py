# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Experience on its way: no transition is lost or counted twice, whichever process dies."""
