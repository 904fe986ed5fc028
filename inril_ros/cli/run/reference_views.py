# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Makes the reference views of a run's cameras from its demonstrations, and compares them."""

from inril_ros.cli.run.progress import Reporter
from inril_ros.data.audit.finding import Finding
from inril_ros.data.cameras.demonstrated_views import demonstrated_views, evenly, FirstImages, MOST
from inril_ros.data.cameras.reference_view import ReferenceView
from inril_ros.data.cameras.view_check import measure_view, view_findings, ViewBounds
from inril_ros.data.cameras.view_folder import ViewFolder
from inril_ros.data.demonstrations.pieces import find_pieces
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.robot.contract.contract import Contract


def make_views(
    run: RunDirectory, contract: Contract, reporter: Reporter, write: bool = True,
) -> tuple[dict[str, ReferenceView], FirstImages]:
    """Return the views of the demonstrations of a run, and the images that they are of.

    Args:
        run: The run.
        contract: Its contract.
        reporter: Shows the progress, and which cameras can't be compared.
        write: They become the reference views of the run.

    Raises:
        BagError: There are no demonstrations, or one can't be read.
    """
    pieces = evenly(find_pieces(run.demonstrations), MOST)
    with reporter.bar('cameras', len(pieces), 'demonstrations') as bar:
        views, first = demonstrated_views(pieces, contract, bar.update)
    if write:
        ViewFolder(run.cameras).write(
            views, contract, f'demonstrations {pieces[0].name} to {pieces[-1].name}')
        tell_blind(views, reporter)
    return views, first


def tell_blind(views: dict[str, ReferenceView], reporter: Reporter) -> None:
    """Say of which cameras it can't be known whether they moved."""
    for name, view in views.items():
        if not view.places:
            reporter.say(f'camera {name}: whether it moved is not checked, as too little of what '
                         'it sees is the same in all demonstrations (is it on the hand, or was it '
                         'moved between them?)')


def findings_in(
    first: FirstImages, views: dict[str, ReferenceView], bounds: ViewBounds,
) -> list[Finding]:
    """Return what is wrong, or to be looked at, in the first images of demonstrations."""
    return [each for name, images in first.items() for episode, image in images.items()
            for each in view_findings(
                name, measure_view(views[name], image), image.shape[1], bounds, episode)]
