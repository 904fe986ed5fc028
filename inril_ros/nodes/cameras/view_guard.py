# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compares what the cameras show at the beginning of each episode with the demonstrations.

A policy that looks through a camera that was moved fails, and the failure would count as its own;
a demonstration that is recorded through one teaches something else than those before. So the
episode is aborted, and the node isn't ready until the camera has its view back, or a person has
accepted the new one.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from std_srvs.srv import Trigger

from inril_ros.data.audit.finding import Finding
from inril_ros.data.cameras.view_check import measure_view, view_findings, ViewBounds
from inril_ros.data.cameras.view_folder import ViewFolder
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.messages.images import decode_image

_BOUNDS = ViewBounds()


class ViewGuard:
    """The check of a node's cameras against the reference views of a run.

    Args:
        place: Folder of the model that acts, or of the demonstrations; the views are those of the
            run in which it lies.
        why_unchecked: Told once if that has no reference views; empty: nobody needs to know.

    Attributes:
        refusal: Why nobody may act on the images; empty if one may.
        warning: What is to be looked at in them; empty if nothing.

    Raises:
        RecordError: The reference views are damaged, or of another contract.
    """

    def __init__(self, node: ManagedNode, place: str, why_unchecked: str) -> None:
        self._node = node
        self._contract = node.contract
        self._folder = ViewFolder.around(Path(place)) if (
            place and self._contract.policy_cameras) else None
        self._read: int | None = None
        self.refusal = self.warning = ''
        self._told: set[tuple[str, str, str]] = set()
        self._due = self._to_abort = False
        if self._folder is None:
            if self._contract.policy_cameras and why_unchecked:
                node.get_logger().info('cameras are not compared with the demonstrations: '
                                       f'{why_unchecked}')
            return
        self._abort = node.create_client(Trigger, 'actuation_node/abort')
        self._load()
        blind = [name for name, view in self._views.items() if not view.places]
        if blind:
            node.get_logger().info(
                f'whether {", ".join(blind)} moved is not checked: too little of what it sees is '
                'the same in all demonstrations (a camera on the hand?)')

    def begin(self) -> None:
        """Check the next images: an episode begins."""
        self._due, self._to_abort = self._folder is not None, False

    def refuses(self, encoded: Sequence[bytes]) -> str:
        """Return why nothing may come of the images of this episode; empty if something may.

        The first ones are checked.

        Args:
            encoded: An image of each policy camera, as it came.

        Raises:
            ValueError: An image, or the reference views, can't be read.
        """
        if self._due:
            self._check(encoded)
            self._due = False
            self._to_abort = bool(self.refusal)
        return self.refusal

    def refuses_to_record(self, encoded: Sequence[bytes]) -> str:
        """Return as ``refuses``; what can't be compared is refused as well."""
        try:
            return self.refuses(encoded)
        except ValueError as error:
            self.refusal, self._due, self._to_abort = str(error), False, True
            return self.refusal

    def abort(self) -> None:
        """Have the episode aborted, once, whose images were refused."""
        if self._to_abort and self._abort.service_is_ready():
            self._abort.call_async(Trigger.Request())
            self._to_abort = False

    def look_again(self, aligner: FrameAligner) -> None:
        """See, while no episode runs, whether a refused camera was put back, or accepted."""
        if not self.refusal:
            return
        stamp = aligner.newest_complete() if self._node.lockstep else self._node.now()
        try:
            self._check(aligner.late_frame(stamp).images, keep=False)
        except ValueError as error:
            self._node.get_logger().warning(str(error), throttle_duration_sec=10.0)

    def _load(self) -> None:
        """Read the reference views, if they have changed."""
        record = self._folder.record
        changed = record.stat().st_mtime_ns if record.exists() else 0
        if changed != self._read:
            self._views = self._folder.read(self._contract)
            self._read = changed

    def _check(self, encoded: Sequence[bytes], keep: bool = True) -> None:
        self._load()
        images = {name: decode_image(data, camera) for data, (name, camera) in zip(
            encoded, self._contract.policy_cameras.items(), strict=True)}
        findings = [each for name, image in images.items() for each in view_findings(
            name, measure_view(self._views[name], image), image.shape[1], _BOUNDS)]
        wrong = [each for each in findings if each.verdict == 'wrong']
        self.warning = '; '.join(each.what for each in findings)
        refused = bool(self.refusal)
        self.refusal = ''
        if wrong:
            self.refusal = (f'{"; ".join(each.what for each in wrong)}. '
                            f'{self._with_run(wrong[0].advice)} (picture: {self._folder.picture})')
            if keep:
                self._keep(images)
        self._tell(findings, refused)

    def _with_run(self, text: str) -> str:
        return text.replace(' RUN', f' {self._folder.path.parent}')

    def _keep(self, images: dict[str, np.ndarray]) -> None:
        try:
            self._folder.keep_refused(self._views, images)
        except OSError as error:
            self._node.get_logger().error(f'the refused images are not written: {error}')

    def _tell(self, findings: list[Finding], refused: bool) -> None:
        """Log what was found, once per change."""
        log, kinds = self._node.get_logger(), {
            (each.verdict, each.kind, each.joint) for each in findings}
        if kinds != self._told:
            self._told = kinds
            for each in findings:
                (log.error if each.verdict == 'wrong' else log.warning)(self._with_run(str(each)))
        if refused and not self.refusal:
            log.info('the cameras have their views again')
