# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder ``cameras`` of a run.

::

    cameras/views.json       what the reference views were made from, and their places
    cameras/<camera>.png     reference view of a camera
    cameras/refused/         the images that were refused last, <camera>.png, and
                             picture.png, which shows them beside the reference views
"""

from collections.abc import Mapping
from datetime import datetime, timezone
import hashlib
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from inril_ros.data.cameras.reference_view import ReferenceView
from inril_ros.data.cameras.view_picture import view_picture
from inril_ros.data.record_files import read_record, RecordError, write_json, write_whole
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.messages.images import decode_image, encode_png
from inril_ros.robot.settings_check import checked

_Hash = Annotated[str, Field(pattern=r'^[0-9a-f]{64}$')]
_Number = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
_Pixel = Annotated[int, Field(ge=0, le=100_000)]


@dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class ViewRecord:
    """What is noted of one reference view; see ReferenceView.

    Attributes:
        sha256: Hash of the PNG.
    """

    sha256: _Hash
    places: Annotated[tuple[tuple[_Pixel, _Pixel], ...], Field(max_length=10_000)]
    sharpness: _Number
    brightness: _Number
    saturated: _Number


@dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class ViewsRecord:
    """Content of ``views.json``.

    Attributes:
        contract_hash: SHA-256 of the contract's content.
        made: Time at which they were made, ISO 8601, UTC.
        source: What they were made from, for people.
        cameras: The views by camera.
    """

    contract_hash: _Hash
    made: Annotated[str, Field(pattern=r'^[0-9T:.+-]{10,40}$')]
    source: Annotated[str, Field(max_length=10_000)]
    cameras: dict[str, ViewRecord]


class ViewFolder:
    """The folder of a run's reference views.

    Args:
        path: The folder; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / 'views.json'
        self.picture = path / 'refused' / 'picture.png'

    @classmethod
    def around(cls, model: Path) -> 'ViewFolder | None':
        """Return that of the run in which a model lies; None: it lies in no run that has one."""
        return next((found for folder in model.absolute().parents
                     if (found := cls(folder / 'cameras')).record.exists()), None)

    def write(self, views: Mapping[str, ReferenceView], contract: Contract, source: str) -> None:
        """Write reference views in place of those that are there; what was refused is removed.

        Raises:
            OSError: They could not be written.
        """
        records = {}
        for name, view in views.items():
            data = encode_png(view.image)
            write_whole(self.path / f'{name}.png', data)
            records[name] = {'sha256': hashlib.sha256(data).hexdigest(), 'places': view.places,
                             'sharpness': view.sharpness, 'brightness': view.brightness,
                             'saturated': view.saturated}
        write_json(self.record, {
            'contract_hash': contract.hash, 'source': source, 'cameras': records,
            'made': datetime.now(timezone.utc).isoformat(timespec='seconds')}, replace=True)
        for file in (self.picture, *(self._refused(name) for name in views)):
            file.unlink(missing_ok=True)

    def read(self, contract: Contract) -> dict[str, ReferenceView]:
        """Return the reference view of each policy camera.

        Raises:
            RecordError: A file is missing or damaged, or they are of another contract.
        """
        record = checked(ViewsRecord, read_record(self.record), str(self.record), RecordError)
        if record.contract_hash != contract.hash \
                or sorted(record.cameras) != sorted(contract.policy_cameras):
            raise RecordError(f'{self.record}: views of {sorted(record.cameras)} under contract '
                              f'{record.contract_hash[:12]}; this is contract '
                              f'{contract.hash[:12]} with {sorted(contract.policy_cameras)}. '
                              'Delete the folder, and make them again: inril camera check RUN')
        return {name: self._view(name, record.cameras[name], contract)
                for name in contract.policy_cameras}

    def keep_refused(
        self, views: Mapping[str, ReferenceView], images: Mapping[str, np.ndarray],
    ) -> None:
        """Write the images (H, W, 3) uint8 that were refused, and a picture of them for people.

        Raises:
            OSError: They could not be written.
        """
        for name, image in images.items():
            write_whole(self._refused(name), encode_png(image), sync=False)
        write_whole(self.picture, view_picture(views, images), sync=False)

    def refused(self, contract: Contract) -> dict[str, np.ndarray]:
        """Return the images that were refused last, by camera; empty: none were.

        Raises:
            RecordError: One is damaged.
        """
        return {name: _image(self._refused(name), name, contract)[0]
                for name in contract.policy_cameras if self._refused(name).exists()}

    def _refused(self, camera: str) -> Path:
        return self.path / 'refused' / f'{camera}.png'

    def _view(self, camera: str, record: ViewRecord, contract: Contract) -> ReferenceView:
        image, digest = _image(self.path / f'{camera}.png', camera, contract)
        if digest != record.sha256:
            raise RecordError(f'{self.path / camera}.png is not the image that {self.record.name} '
                              'names: make the views again: inril camera renew RUN '
                              '--demonstrations')
        view = ReferenceView(image, record.places, record.sharpness, record.brightness,
                             record.saturated)
        height, width = view.work.shape
        if any(x + view.side > width or y + view.side > height for x, y in view.places):
            raise RecordError(f'{self.record}: camera {camera} has a place outside of its image')
        return view


def _image(path: Path, camera: str, contract: Contract) -> tuple[np.ndarray, str]:
    """Return an image of a camera from a PNG, and the file's hash.

    Raises:
        RecordError: It is missing or damaged, or has another size than the camera.
    """
    try:
        data = path.read_bytes()
        return decode_image(data, contract.cameras[camera]), hashlib.sha256(data).hexdigest()
    except (OSError, CodecError) as error:
        raise RecordError(f'{path}: cannot be read: {error}') from error
