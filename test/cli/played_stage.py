# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a stage uses of a conductor beside its episodes, where no graph is started."""


class PlayedStage:
    """Shows progress by the reporter alone, and gives up where a person would be asked."""

    attended = False

    def bar(self, reporter, *what):
        return reporter.bar(*what)

    def stuck(self, error):
        raise error
