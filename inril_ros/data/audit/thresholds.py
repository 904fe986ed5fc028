# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The numbers that an audit of demonstrations decides by, each with its reason.

A number that calls data wrong is far from anything that a sound recording does; what may be sound
is only to be looked at. Shares are of the ticks, spans those of a joint's limits.
"""

#: Kept values are float32: two that were one value differ by their rounding at most.
EQUAL = 1e-6
#: Below this share of its span a joint rests: encoder noise, sag under gravity.
REST_SPAN = 0.005
#: Ticks in motion from which a share of them says something.
FEWEST_MOVING = 10

# Commands that are the measured pose of their own tick.
#: A clone of these stands still, because the pose it sees is the command it gives.
EQUAL_WRONG = 0.9
#: Where an operator rests, controllers report the pose as command; while the joint moves, a fifth
#: of such ticks means that the first commands are missing.
EQUAL_LOOK = 0.2

# Lag from commands to motion, by cross-correlation of their changes.
#: [s] Longest lag that is looked for: no arm that can be teleoperated has more.
LONGEST_LAG = 1.0
#: A peak below it belongs to noise or to contact, and gives no lag.
CORRELATED = 0.7
#: A peak at which the commands come after the motion must be as high as this, and leave less than
#: this share of what the best other one leaves: repeated motions correlate with the one before.
CORRELATED_BEFORE, REST_BEFORE = 0.9, 0.5
#: Ticks by which commands come after the motion, from which data is wrong: sampling shifts by 1.
EARLY_WRONG = 2
#: [s] Position controllers need 0.05 to 0.3 s; beyond this a clock or a buffer is off.
LATE_LOOK = 0.5

# Commands cut to the limits while the joint is measured beyond them.
#: Share of the span that a joint is beyond its limit by more than tracking errors and sag.
BEYOND_SPAN = 0.02
#: Share of the ticks: a few touch the limit, more of them are another motion than the person's.
CUT_WRONG = 0.05

# Streams.
#: A measurement that never changes while its command goes over this share of the span is frozen:
#: stiction and dead bands are smaller.
FROZEN_COMMAND_SPAN = 0.1
#: [s] A longer pause of new values, while the command moves, is no gripper that holds something.
FROZEN_SECONDS = 1.0
#: Ticks between new values from which a stream is slower than the control rate.
SLOW_TICKS = 2.0
#: Changes from which the typical distance between them is known.
FEWEST_CHANGES = 10
#: [per s] Joints of arms turn at 3 to 6 rad/s, and grippers move at 1 m/s, at most.
FASTEST = 10.0
#: Times the contract's max_velocity: measured speeds overshoot, but not by this.
FASTER_THAN_ALLOWED = 3.0
#: Held ticks have no command of the person in them; half an episode of them teaches resting.
HELD_LOOK = 0.5
#: [s] and share of the episode for which nothing moves at its begin: a clone may never begin.
STILL_SECONDS, STILL_SHARE = 3.0, 0.25
#: Ticks of an episode: shorter ones are a button pressed twice.
SHORTEST = 10

# Cameras, by sampled images.
#: Images looked at per camera and episode: enough to see a camera that stops for a tenth of it.
IMAGES = 24
#: Grey levels: a covered lens has noise of 1 to 3, a dark room has more contrast than that.
FLAT_LEVELS = 3.0
#: A camera has stopped if it repeats its image over this share of the episode while the arm moves.
REPEATED_SHARE = 0.3

# Episodes that differ from the rest.
#: Episodes from which "the rest" means something.
FEWEST_EPISODES = 5
#: Distance from the median in scaled median absolute deviations. Uniformly drawn scenes stay below
#: 2, a normal distribution reaches 6 once in 500 million.
OUTLIER = 6.0
#: Differences below these are no matter: ticks, share of a joint's span, m (or what a quantity is
#: in, if it is none of a joint).
OUTLIER_LENGTH, OUTLIER_SPAN, OUTLIER_OTHER = 10.0, 0.05, 0.01
