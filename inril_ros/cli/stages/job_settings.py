# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The options of a job from the settings of its run and those that were given."""

from inril_ros.cli.stages.job import JobOptions
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.settings import kept_settings, nested, Settings, UsageError
from inril_ros.robot.settings_check import checked


def job_options(settings: Settings, verbose: bool = False) -> JobOptions:
    """Return the options of a job; what is not in the settings has its default.

    Raises:
        UsageError: A setting is refused, or it isn't said what the robot is.
    """
    values = nested({name: setting.value for name, setting in settings.items()})
    return checked(JobOptions, {
        **values, 'verbose': verbose,
        'origins': {name: setting.origin for name, setting in settings.items()},
    }, 'the settings of the run', UsageError)


def kept_for(run: RunDirectory, stage: str) -> Settings:
    """Return the settings that a stage goes on with.

    What it was begun with counts for it, not what others were.
    """
    return {**kept_settings(run.path), **run.stage_settings(stage)}


def check_heldout(settings: Settings) -> None:
    """Check that the schedule of a session has the held-out demonstrations that it needs.

    Raises:
        UsageError: It hasn't.
    """
    schedule = settings['session.schedule'].value
    share = settings.get('pretrain.heldout_share')
    if schedule in ('anchor', 'model') and not (share and share.value):
        raise UsageError(f'schedule {schedule} needs demonstrations that nothing is learned from: '
                         'give --heldout-share, for example 0.2, or choose another schedule')
