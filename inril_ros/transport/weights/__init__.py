# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Versions of the weights: on their way in pieces, verified, and which one acts.

A *version* is a manifest and the *pieces* of its serialised tensors. It is *outgoing* at the
learner and *incoming* at the policy; ``accepted_learner`` says whose versions are accepted,
``gate`` which of them acts.
"""
