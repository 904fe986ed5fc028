# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A model as a folder (model.safetensors + model.json) or as bytes for the wire.

Nothing here can run code from a file: tensors are safetensors, the rest is JSON. A folder is
complete or absent: it is written beside its final place, synced and renamed.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
import ctypes
import hashlib
import json
import os
from pathlib import Path
import shutil
import tempfile
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn, Tensor
from torch.overrides import TorchFunctionMode

from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.synced_files import sync, write_synced

TENSORS_FILE = 'model.safetensors'
DOCUMENT_FILE = 'model.json'
FORMAT = 'inril_ros model 2'
#: Version of what observations mean. 2: quaternions keep their sign within an episode.
OBSERVATIONS = 2
_ADDED_KEYS = {'observations', 'heldout', 'rest'}  # of the document; older models lack them
#: Type by its name in safetensors, shape, bytes.
RawTensor = tuple[str, tuple[int, ...], 'bytearray | memoryview']
_TYPE_NAMES = {
    torch.float64: 'F64', torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16',
    torch.int64: 'I64', torch.int32: 'I32', torch.int16: 'I16', torch.int8: 'I8',
    torch.uint8: 'U8', torch.bool: 'BOOL'}
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of renameat2(2)


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the tensors as safetensors bytes; equal tensors give equal bytes."""
    return safetensors.torch.save(
        {name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)})


def from_bytes(data: bytes) -> dict[str, Tensor]:
    """Return the tensors of safetensors bytes, on the CPU.

    Raises:
        ValueError: Damaged bytes.
    """
    try:
        return safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise ValueError(f'no valid safetensors data: {error}') from error


def to_raw(tensors: Mapping[str, Tensor]) -> dict[str, RawTensor]:
    """Return type, shape and bytes of each tensor; tensors on the CPU share their memory."""
    host = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return {name: (_TYPE_NAMES[tensor.dtype], tuple(tensor.shape),
                   tensor.reshape(-1).view(torch.uint8).numpy().data)
            for name, tensor in host.items()}


def from_raw(raw: Mapping[str, RawTensor]) -> dict[str, Tensor]:
    """Return the tensors that `to_raw` was given; they share memory with `raw`."""
    types = {name: dtype for dtype, name in _TYPE_NAMES.items()}
    return {name: (torch.frombuffer(data, dtype=types[dtype]) if len(data) else
                   torch.empty(0, dtype=types[dtype])).reshape(shape)
            for name, (dtype, shape, data) in raw.items()}


def schema_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the sorted names, shapes and dtypes, hexadecimal."""
    lines = [f'{name} {tuple(tensor.shape)} {tensor.dtype}'
             for name, tensor in sorted(tensors.items())]
    return hashlib.sha256('\n'.join(lines).encode()).hexdigest()


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of the serialised tensors, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def build_policy(config_json: str, tensors: Mapping[str, Tensor],
                 device: torch.device | str = 'cpu', take: bool = False) -> Policy:
    """Return the policy that the configuration describes, with these weights.

    With `take` the policy uses the tensors themselves instead of copies, and is built without
    random initialisation; for a policy that is not trained.

    Raises:
        ValueError: A configuration that ModelConfig refuses; names, shapes or dtypes that differ
            from those it describes (the first differences are listed); values that are not
            finite; values that the policy refuses.
    """
    with _NoRandomStart() if take else nullcontext():
        policy = make_policy(ModelConfig.from_json(config_json))
    load_tensors(policy, tensors, take)
    policy.check()
    return policy.to(device).eval()


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], take: bool = False) -> None:
    """Give a network these weights: copies, or with `take` the tensors themselves.

    Raises:
        ValueError: Names, shapes or dtypes that differ from those of the network (the first
            differences are listed), or values that are not finite.
    """
    expected = module.state_dict()
    differences = [f'{name} is missing' for name in expected if name not in tensors]
    differences += [f'{name} is unknown' for name in tensors if name not in expected]
    for name in sorted(set(expected) & set(tensors)):
        have, want = tensors[name], expected[name]
        if have.shape != want.shape or have.dtype != want.dtype:
            differences.append(f'{name} is {tuple(have.shape)} {have.dtype}, expected '
                               f'{tuple(want.shape)} {want.dtype}')
    if differences:
        raise ValueError('the weights do not fit the model configuration: '
                         + '; '.join(differences[:5])
                         + (f'; and {len(differences) - 5} more' if differences[5:] else ''))
    for name, tensor in tensors.items():
        if not _is_finite(tensor):
            raise ValueError(f'the weights are not finite: {name}')
    module.load_state_dict(dict(tensors), strict=True, assign=take)


class _NoRandomStart(TorchFunctionMode):
    """Skips the initialisation of parameters, which takes longer than loading them."""

    def __torch_function__(self, function: Any, types: Any, arguments: Any = (),
                           keywords: Any = None) -> Any:
        keywords = keywords or {}
        if function in (nn.init.kaiming_uniform_, nn.init.uniform_, Tensor.uniform_,
                        Tensor.normal_):
            return keywords['tensor'] if 'tensor' in keywords else arguments[0]
        return function(*arguments, **keywords)


def _is_finite(tensor: Tensor) -> bool:
    """Return whether all values are finite; a finite sum has finite terms and is faster."""
    return bool(torch.isfinite(tensor.sum())) or bool(torch.isfinite(tensor).all())


def save_policy(folder: Path, policy: Policy, replace: bool = False,
                heldout: Sequence[str] = (), rest: Mapping[str, float] | None = None) -> str:
    """Write the model folder and return its content hash; errors as in `write_folder`.

    `heldout` are the names of the demonstrations that it has not learned from, `rest` the rules
    by which rest at the ends of the others was left out.
    """
    return write_folder(folder, policy.state_dict(),
                        model_document(policy.config.to_json(), heldout, rest), replace)


def model_document(config_json: str, heldout: Sequence[str] = (),
                   rest: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return the JSON document of a model folder."""
    return {'model_config': json.loads(config_json), 'observations': OBSERVATIONS,
            'heldout': list(heldout), **({} if rest is None else {'rest': dict(rest)})}


def load_policy(folder: Path, device: torch.device | str = 'cpu',
                rotations: bool = False) -> Policy:
    """Read a model folder.

    With `rotations` its observations hold quaternions, so that it must be new enough.

    Raises:
        ValueError: Errors of `read_folder` and `build_policy`; a model for other quaternions.
    """
    tensors, document = read_folder(folder)
    version = document.get('observations', 1)  # none was written before there were two
    if set(document) | _ADDED_KEYS != {'model_config', *_ADDED_KEYS}:
        raise ValueError(f'{folder / DOCUMENT_FILE}: expected the keys model_config, '
                         f'observations, heldout and rest, found {sorted(document)}')
    if rotations and version != OBSERVATIONS:
        raise ValueError(f'{folder}: this model was made when the quaternions in an observation '
                         'could change their sign from tick to tick; now they keep it within an '
                         'episode. Clone it again from its demonstrations')
    try:
        return build_policy(json.dumps(document['model_config']), tensors, device)
    except ValueError as error:
        raise ValueError(f'{folder}: {error}') from error


def heldout_names(folder: Path) -> list[str] | None:
    """Return the names of the demonstrations that a model has not learned from.

    None: the model was made before they were listed.

    Raises:
        ValueError: Errors of `read_folder`; no list of names.
    """
    names = read_folder(folder)[1].get('heldout')
    if names is not None and not (isinstance(names, list)
                                  and all(isinstance(name, str) for name in names)):
        raise ValueError(f'{folder / DOCUMENT_FILE}: heldout is no list of names: {names!r}')
    return names


def rest_values(folder: Path) -> Any:
    """Return the rules by which rest was left out of the demonstrations of a model.

    None: it has none, because it was made before there were any, or from no demonstrations.

    Raises:
        ValueError: Errors of `read_folder`.
    """
    return read_folder(folder)[1].get('rest')


def write_folder(folder: Path, tensors: Mapping[str, Tensor], document: Mapping[str, Any],
                 replace: bool = False) -> str:
    """Write tensors and a JSON document as one folder, all or nothing; return the content hash.

    Raises:
        FileExistsError: The folder exists and `replace` is false.
    """
    folder = Path(folder)
    if folder.exists() and not replace:
        raise FileExistsError(f'{folder} exists; choose another folder or replace it explicitly')
    folder.parent.mkdir(parents=True, exist_ok=True)
    data = to_bytes(tensors)
    text = json.dumps({'format': FORMAT, 'schema_hash': schema_hash(tensors),
                       'content_hash': content_hash(data), 'document': document,
                       'document_hash': _document_hash(document)}, indent=1, sort_keys=True)
    staging = Path(tempfile.mkdtemp(prefix=f'.{folder.name}.', dir=folder.parent))
    try:
        os.chmod(staging, 0o755)
        write_synced(staging / TENSORS_FILE, data)
        write_synced(staging / DOCUMENT_FILE, text.encode())
        sync(staging)
        if folder.exists():
            _exchange(staging, folder)
        else:
            os.rename(staging, folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return content_hash(data)


def read_folder(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the document that `write_folder` wrote.

    Raises:
        ValueError: A file is missing or damaged, or the hashes do not match.
        OSError: A file can't be read from the disk, which says nothing about its content.
    """
    folder = Path(folder)
    try:
        text = (folder / DOCUMENT_FILE).read_bytes()
        data = (folder / TENSORS_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise ValueError(f'{folder} is no model folder: {error}') from error
    try:
        header = json.loads(text)
        named = _document_hash(header['document']) if isinstance(header, dict) \
            and 'document' in header else ''
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{folder / DOCUMENT_FILE} is no JSON: {error}') from error
    keys = {'format', 'schema_hash', 'content_hash', 'document', 'document_hash'}
    if isinstance(header, dict) and header.get('format', FORMAT) != FORMAT:
        raise ValueError(f'{folder / DOCUMENT_FILE}: format {header["format"]!r}, '
                         f'this version reads {FORMAT!r}')
    if not isinstance(header, dict) or set(header) != keys:
        raise ValueError(f'{folder / DOCUMENT_FILE}: expected exactly the keys {sorted(keys)}')
    if not isinstance(header['document'], dict):
        raise ValueError(f'{folder / DOCUMENT_FILE}: its document is no object')
    if header['document_hash'] != named:
        raise ValueError(f'{folder / DOCUMENT_FILE} does not match its own hash: it is damaged, '
                         'or was edited')
    if header['content_hash'] != content_hash(data):
        raise ValueError(f'{folder / TENSORS_FILE} does not match the content hash of its '
                         f'{DOCUMENT_FILE}: the folder is damaged')
    tensors = from_bytes(data)
    if header['schema_hash'] != schema_hash(tensors):
        raise ValueError(f'{folder / TENSORS_FILE} does not match the schema hash of its '
                         f'{DOCUMENT_FILE}')
    return tensors, header['document']


def _document_hash(document: Any) -> str:
    """Return the SHA-256 of a document as JSON, hexadecimal."""
    plain = json.loads(json.dumps(document))  # keys as strings: they sort differently
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _exchange(staging: Path, folder: Path) -> None:
    """Replace the old folder by the new one.

    A folder can't be renamed over a full one, but Linux can exchange two in one step. Where the
    file system can't, the old one is renamed first, and for a moment there is no folder.
    """
    swap = getattr(ctypes.CDLL(None, use_errno=True), 'renameat2', None)
    if swap is not None and swap(_AT_FDCWD, os.fsencode(staging), _AT_FDCWD, os.fsencode(folder),
                                 _RENAME_EXCHANGE) == 0:
        return
    former = Path(tempfile.mkdtemp(prefix=f'.{folder.name}.', dir=folder.parent))
    os.rename(folder, former)
    os.rename(staging, folder)
    shutil.rmtree(former)
