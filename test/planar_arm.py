# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two links in a plane, 0.4 and 0.3 m: the smallest arm that has kinematics."""

LIMIT = '<limit lower="-2.5" upper="2.5" velocity="9" effort="9"/>'
URDF = f"""
<robot name="planar">
  <link name="base"/><link name="upper"/><link name="lower"/><link name="tool"/>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/>
    <axis xyz="0 0 1"/>{LIMIT}</joint>
  <joint name="elbow" type="revolute"><parent link="upper"/><child link="lower"/>
    <origin xyz="0.4 0 0"/><axis xyz="0 0 1"/>{LIMIT}</joint>
  <joint name="flange" type="fixed"><parent link="lower"/><child link="tool"/>
    <origin xyz="0.3 0 0"/></joint>
</robot>"""
