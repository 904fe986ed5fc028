# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The pages of the console, in NiceGUI: they show what the modules beside this folder say."""
