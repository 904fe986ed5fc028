# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Audits: recordings and demonstrations held against the contract, before anything is learned."""
