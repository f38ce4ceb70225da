"""Ed25519 keys in PEM files: what `openssl pkey` and `openssl pkeyutl` read and write too."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from meshscope.findings import Finding, MeshscopeError

_MOST_BYTES = 16_384


class Ed25519Verifier:
    """A public key."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is the key's own of ``message``."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        """The key as its file holds it."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits by which a person tells keys apart."""
        raw = self._key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha256(raw).hexdigest()[:16]


class Ed25519Signer:
    """A private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``, 64 bytes."""
        return self._key.sign(message)

    @property
    def verifier(self) -> Ed25519Verifier:
        """The public key that belongs to it."""
        return Ed25519Verifier(self._key.public_key())

    def pem(self) -> bytes:
        """The key as its file holds it, not encrypted."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_key(path: Path) -> Ed25519Signer:
    """Make a key and write it to ``path``, for its owner alone. Overwrites nothing. Raises `MeshscopeError`."""
    signer = Ed25519Signer(Ed25519PrivateKey.generate())
    try:
        _write(path, signer.pem(), 0o600)
    except OSError as error:
        raise MeshscopeError(_unusable(path, f"can't be written: {error.strerror}")) from error
    return signer


def write_public(path: Path, verifier: Ed25519Verifier) -> None:
    """Write the public key to ``path``. Raises `MeshscopeError`; overwrites nothing."""
    try:
        _write(path, verifier.pem(), 0o644)
    except OSError as error:
        raise MeshscopeError(_unusable(path, f"can't be written: {error.strerror}")) from error


def read_key(path: Path) -> Ed25519Signer:
    """The private key in ``path``. Raises `MeshscopeError` for what is none, or what others can read."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise MeshscopeError(_open_to_others(path))
        key = load_pem_private_key(_read(path), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MeshscopeError(_unusable(path, _said(error, "is no private key in PEM"))) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise MeshscopeError(_unusable(path, "is a key of another kind than Ed25519"))
    return Ed25519Signer(key)


def read_public(path: Path) -> Ed25519Verifier:
    """The public key in ``path``. Raises `MeshscopeError` for what is none."""
    try:
        key = load_pem_public_key(_read(path))
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise MeshscopeError(_unusable(path, _said(error, "is no public key in PEM"))) from error
    if not isinstance(key, Ed25519PublicKey):
        raise MeshscopeError(_unusable(path, "is a key of another kind than Ed25519"))
    return Ed25519Verifier(key)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Put the whole file in place or none of it, though the process is killed meanwhile."""
    making = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.link(making, path)
    finally:
        with suppress(FileNotFoundError):
            making.unlink()


def _said(error: Exception, else_: str) -> str:
    return f"can't be read: {error.strerror}" if isinstance(error, OSError) else else_


def _unusable(path: Path, what: str) -> Finding:
    return Finding(
        code="key/unusable",
        title=f"the key `{path}` {what}",
        why="anchors are signed with it, and judged by its public half",
        help="put the agent's own key there; a new key does not fit what the old one signed",
        subject=str(path),
    )


def _open_to_others(path: Path) -> Finding:
    return Finding(
        code="key/open-to-others",
        title=f"others than its owner can read the private key `{path}`",
        why="whoever reads it can sign a changed ledger",
        help=f"run `chmod 600 {path}`, and make a new key if somebody may have read this one",
        subject=str(path),
    )
