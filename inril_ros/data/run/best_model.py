# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the model is that fine-tuning has kept."""

from pathlib import Path

from inril_ros.data.record_files import read_json, read_json_lines
from inril_ros.data.run.judgements import best_version, judged_versions
from inril_ros.data.run.run_directory import RunDirectory


def best_model(run: RunDirectory) -> Path:
    """Return the folder of the model that fine-tuning has kept.

    While a learner runs it writes its newest model; the best version is among those judged.
    """
    judged = judged_versions(read_json_lines(run.judgements)) if run.result.exists() else []
    if judged:
        best = best_version(judged)
        folder, newest = run.versions / best.folder, run.finetuned / 'model.json'
        if folder.exists() and (not newest.exists() or read_json(newest).get(
                'content_hash') != best.content_hash):
            return folder
    return run.finetuned
