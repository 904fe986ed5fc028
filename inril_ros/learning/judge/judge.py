# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network that sees success, and the folder that it is kept in."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor

from inril_ros.learning.configuration import from_mapping
from inril_ros.learning.judge.judge_config import JudgeConfig
from inril_ros.learning.judge.verdict_rule import VerdictRule
from inril_ros.learning.policies.artifact import load_tensors, read_folder, write_folder
from inril_ros.learning.policies.image_encoder import ImageEncoder

_KEYS = ('judge', 'rule', 'cameras', 'contract_hash', 'facts')


class Judge(nn.Module):
    """Images of B moments -> the probability that the task is done."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ImageEncoder(config)
        self.head = nn.Sequential(
            nn.Linear(self.encoder.size, config.width), nn.ReLU(), nn.Linear(config.width, 1))
        self.register_buffer('calibration', torch.tensor([1.0, 0.0]))

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the logits (B,), not calibrated, of images (B, C, H, W, 3) uint8.

        A generator shifts the images at random, for learning.

        Raises:
            ValueError: The images do not have the shape and type of the judge.
        """
        return self.head(self.encoder(images, generator)).squeeze(-1)

    @torch.inference_mode()
    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the logits (N,), not calibrated, of images (N, C, H, W, 3) uint8."""
        device = self.calibration.device
        return self(torch.from_numpy(np.ascontiguousarray(images)).to(
            device)).double().cpu().numpy()

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the calibrated probability of success (N,) of images (N, C, H, W, 3) uint8."""
        return calibrated(self.logits(images), *self.calibration.tolist())


def calibrated(logits: NDArray[np.float64], scale: float, offset: float) -> NDArray[np.float64]:
    """Return the probabilities (N,) that logits (N,) mean."""
    return torch.sigmoid(torch.from_numpy(scale * logits + offset)).numpy()


@dataclass(frozen=True)
class JudgeModel:
    """A judge with all that is needed to use it.

    Attributes:
        judge: The network.
        rule: When it says success.
        cameras: Names of the contract's cameras that it sees, in their order.
        contract_hash: SHA-256 of the contract that it was trained for.
        facts: What its training measured, for reports.
    """

    judge: Judge
    rule: VerdictRule
    cameras: tuple[str, ...]
    contract_hash: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: Path, replace: bool = False) -> str:
        """Write the folder, all or nothing; return the content hash.

        Raises:
            FileExistsError: The folder exists and `replace` is false.
        """
        return write_folder(folder, self.judge.state_dict(), {
            'judge': asdict(self.judge.config), 'rule': asdict(self.rule),
            'cameras': list(self.cameras), 'contract_hash': self.contract_hash,
            'facts': dict(self.facts)}, replace)


def load_judge(folder: Path, contract_hash: str, cameras: Sequence[str]) -> JudgeModel:
    """Read a judge for a contract and its cameras.

    Raises:
        ValueError: The folder is damaged or holds no judge, or the judge belongs to another
            contract or to other cameras.
    """
    tensors, document = read_folder(folder)
    if sorted(document) != sorted(_KEYS):
        raise ValueError(f'{folder} holds no judge: expected the keys {sorted(_KEYS)}, found '
                         f'{sorted(document)}')
    if document['contract_hash'] != contract_hash:
        raise ValueError(f'{folder}: this judge was trained for another contract '
                         f'({str(document["contract_hash"])[:12]}, here {contract_hash[:12]}); '
                         'train one for this contract: inril reward train')
    if document['cameras'] != list(cameras):
        raise ValueError(f'{folder}: this judge sees through {document["cameras"]}, the policy '
                         f'through {list(cameras)}')
    try:
        judge = Judge(from_mapping(JudgeConfig, document['judge']))
        rule = from_mapping(VerdictRule, document['rule'])
        load_tensors(judge, tensors)
        if not isinstance(document['facts'], dict):
            raise ValueError('its facts are no object')
    except ValueError as error:
        raise ValueError(f'{folder}: {error}') from error
    return JudgeModel(judge.eval(), rule, tuple(cameras), contract_hash, document['facts'])
