# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The first draft of a contract, from the topics of a running graph or of a bag."""
