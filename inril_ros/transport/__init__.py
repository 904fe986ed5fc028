# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What travels and what lasts: weights in verified pieces, the transition journal."""
