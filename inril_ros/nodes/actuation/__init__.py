# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of the actuation node: episodes, services, sending, holding, a person."""
