# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What acts: networks, the diffusion policy, the choice among its candidates, the model folder."""
