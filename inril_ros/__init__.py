# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""IN-RIL for ROS 2: fine-tune a cloned policy on the robot, going back to the demonstrations.

The generated messages (`inril_ros.msg`) live in the installed package, the modules in the source
tree while one works on them. Extending the path joins the two. An installed copy needs nothing
from this file: some ROS distributions replace it by an empty one.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
