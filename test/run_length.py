# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether this is a long test run (`--long`): random tests then try more."""

LONG = False  # set by conftest.py before any test module is imported
