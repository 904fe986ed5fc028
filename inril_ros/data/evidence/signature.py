# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The Ed25519 signature of a manifest (RFC 8032), by ``cryptography`` (extra ``evidence``)."""

import base64
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from inril_ros.data.record_files import read_record, RecordError, write_json
from inril_ros.robot.settings_check import checked

SIGNATURE = 'signature.json'
_HOW = "needs cryptography: pip install 'inril_ros[evidence]'"
_Encoded = Annotated[str, Field(pattern=r'^[A-Za-z0-9+/=]{40,120}$')]


class KeyUnusableError(ValueError):
    """A key can't be used; the message says why."""


@checked_dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class _Signature:
    """The content of the signature's file, in base64."""

    algorithm: Annotated[str, Field(pattern='^Ed25519$')]
    public_key: _Encoded
    signature: _Encoded


@dataclass(frozen=True)
class Signed:
    """What a signature says.

    Attributes:
        signer: Who signed, in words; empty: nobody, or nobody who counts.
        problems: Why it doesn't hold.
    """

    signer: str = ''
    problems: tuple[str, ...] = ()


def sign(folder: Path, manifest: bytes, key: bytes) -> str:
    """Sign a manifest, and write the signature's file; return the fingerprint of the key.

    Args:
        folder: The evidence folder.
        manifest: The manifest's bytes.
        key: The private key, PEM without a password.

    Raises:
        KeyUnusableError: It is no such key, or ``cryptography`` is missing.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise KeyUnusableError(f'--key {_HOW}') from error
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise KeyUnusableError(f'no private key in PEM without a password: {error}') from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnusableError(f'the key is {type(private).__name__}, Ed25519 is needed: openssl '
                               'genpkey -algorithm ed25519 -out key.pem')
    public = private.public_key().public_bytes_raw()
    write_json(folder / SIGNATURE, {
        'algorithm': 'Ed25519', 'public_key': base64.b64encode(public).decode(),
        'signature': base64.b64encode(private.sign(manifest)).decode()}, replace=True)
    return fingerprint(public)


def signature_in(folder: Path, manifest: bytes, public_key: bytes | None) -> Signed:
    """Check the signature of a manifest, if there is one.

    Args:
        folder: The evidence folder.
        manifest: The manifest's bytes.
        public_key: Key in PEM that must have signed; None: any.

    Raises:
        RecordError: The signature's file is damaged.
        KeyUnusableError: The public key is none, or ``cryptography`` is missing.
    """
    path = folder / SIGNATURE
    if not path.exists():
        return Signed(problems=() if public_key is None else (f'{SIGNATURE}: is missing',))
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise KeyUnusableError(f'the check of {path} {_HOW}') from error
    content = checked(_Signature, read_record(path), str(path), RecordError)
    try:
        raw = base64.b64decode(content.public_key)
        Ed25519PublicKey.from_public_bytes(raw).verify(
            base64.b64decode(content.signature), manifest)
    except (ValueError, InvalidSignature):
        return Signed(problems=(f'{SIGNATURE}: does not fit the manifest',))
    if public_key is None:
        return Signed(f'the {content.algorithm} key {fingerprint(raw)}, whoever has it: give its '
                      '--public-key to know')
    try:
        wanted = serialization.load_pem_public_key(public_key)
    except ValueError as error:
        raise KeyUnusableError(f'no public key in PEM: {error}') from error
    if not isinstance(wanted, Ed25519PublicKey) or wanted.public_bytes_raw() != raw:
        return Signed(problems=(f'{SIGNATURE}: is of another key, {fingerprint(raw)}',))
    return Signed(f'the key that was given, {fingerprint(raw)}')


def fingerprint(public: bytes) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a public key."""
    return hashlib.sha256(public).hexdigest()[:16]
