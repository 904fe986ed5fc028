# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Everything that may change or refuse a command, and nothing else.

What happens to a command in each tick, in this order:

1.  ``command_path``: runs the steps below. ``tick`` lists what a tick is decided from, and the
    result.
2.  ``modes``: may the arm move at all? E-stop, consent to motion, holds that need a resume.
3.  ``liveness``: is every source alive? One that is silent or frozen holds the arm.
    ``load_watch``: does the arm press too hard for too long? Then it is held until a person
    resumes, and goes back to where it was measured.
4.  ``chunks``: which step of the policy's action chunks is due in this tick.
5.  ``arbitration``: the policy or a person? A change between them is faded in. During a reset it
    is ``home_path`` that asks.
6.  ``safety``: the gate, the only way out. It refuses a request if an age, the tick's gap or a
    value is wrong, or if the arm doesn't follow; then the arm brakes and stays. Else it

    a.  cuts the request to the contract's range;
    b.  cuts velocities that would lead beyond a limit (``velocity_bounds``);
    c.  limits speed, acceleration and jerk (``limiter``, with the limits of ``limits``; joint
        positions in groups, one per action: ``joint_group``);
    d.  brakes if a guarded link would leave its box (``link_box``, with ``kinematics``).

7.  The action is sent as the gate returned it, and every difference from the request has a
    reason.

Nothing outside this folder changes a value. The nodes around it (``nodes/actuation``) can only
withhold: ``command_hold`` falls silent once an arm at rest isn't commanded, ``command_sender``
doesn't repeat a gripper's goal, ``episode_life`` ends episodes, after which every tick holds.
When ticks happen is in ``timing/pacing``; how an action is written into messages is in
``messages/commands``.
"""
