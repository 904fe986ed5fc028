# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Aligned episodes as NumPy archives, for programs that need arrays and nothing else."""

from dataclasses import fields
from pathlib import Path
import shutil

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.data.demonstrations.pieces import aligned_piece, find_pieces
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.record_files import write_json
from inril_ros.robot.contract.contract import Contract


def export_npz(folder: Path, contract: Contract, out: Path) -> int:
    """Write each demonstration as ``<bag>.npz``, and the meaning of columns as ``columns.json``.

    Args:
        folder: Folder of demonstrations.
        contract: The robot's contract.
        out: Folder to write, whole or not at all.

    Returns:
        The number of episodes.

    Raises:
        BagError: An episode can't be used, or the folder ``out`` exists already.
    """
    if out.exists():
        raise BagError(f'{out}: is there already')
    partial = out.with_name(f'{out.name}.tmp')
    partial.mkdir(parents=True)
    try:
        pieces = find_pieces(folder)
        for piece in pieces:
            episode = aligned_piece(piece, contract)
            np.savez_compressed(partial / f'{piece.name}.npz', **{
                item.name: getattr(episode, item.name) for item in fields(RecordedEpisode)
                if getattr(episode, item.name) is not None})
        write_json(partial / 'columns.json', columns(contract))
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return len(pieces)


def columns(contract: Contract) -> dict[str, object]:
    """Return the names of the numbers of observations and actions, and whose they are."""
    return {'contract': contract.name, 'contract_hash': contract.hash,
            'control_rate': contract.control_rate,
            'observations': quantity_columns(contract, contract.policy_observations),
            'actions': action_columns(contract)}


def quantity_columns(contract: Contract, quantities: tuple[str, ...]) -> list[str]:
    """Return a name for each number of observed and derived quantities."""
    return [column for name in quantities for column in _columns(
        name, _value_names(contract, name), contract.length(name))]


def _value_names(contract: Contract, name: str) -> tuple[str, ...]:
    """Return the names of a quantity's values, where they have any."""
    if name in contract.observations:
        return contract.observations[name].joints
    derived = contract.derived[name]
    if derived.part:
        names = _value_names(contract, derived.part)
        return tuple(names[index] for index in derived.indices) if names else ()
    source = derived.cos_sin
    return tuple(f'{value}.{part}' for value in (_value_names(contract, source) if source else ())
                 for part in ('cos', 'sin'))


def action_columns(contract: Contract) -> list[str]:
    """Return a name for each number of an action."""
    return [column for name, action in contract.actions.items()
            for column in _columns(name, action.joints, action.length)]


def _columns(name: str, joints: tuple[str, ...], length: int) -> list[str]:
    return [f'{name}.{joint}' for joint in joints] or [
        f'{name}[{index}]' for index in range(length)]
