# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The judge: a classifier that sees success in camera images, and how far it can be trusted."""
