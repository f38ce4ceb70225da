"""Who asks, and whom it trusts: read from the file that promtool takes with ``--http.config.file``.

Its keys: https://prometheus.io/docs/prometheus/latest/configuration/promtool/. Secrets stay out of every repr.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meshscope.artefacts.reading import NotYaml, documents
from meshscope.findings import Finding, MeshscopeError

_KEYS = {
    "": {"basic_auth", "authorization", "bearer_token", "bearer_token_file", "tls_config", "http_headers"},
    "basic_auth": {"username", "username_file", "password", "password_file"},
    "authorization": {"type", "credentials", "credentials_file"},
    "tls_config": {"ca_file", "cert_file", "key_file", "insecure_skip_verify"},
}

# What Go's reader of YAML takes for true (go.yaml.in/yaml/v2 2.4.4, resolve.go), in any case here.
_YES = ("true", "yes", "on", "y")


@dataclass(frozen=True, kw_only=True)
class Access:
    """What is sent with every question, and which certificates are believed.

    ``authorization`` is the whole header, ``basic`` user and password, ``headers`` name a tenant, for example.
    ``ca`` is a file of certificates beside the system's, ``certificate`` and ``key`` are our own.
    """

    authorization: str = field(default="", repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    verified: bool = True

    @property
    def known(self) -> bool:
        """Whether it is said who asks."""
        return bool(self.authorization or self.basic or self.certificate)

    def context(self) -> ssl.SSLContext:
        """The TLS settings. Raises `MeshscopeError` for a file that holds no certificate or key."""
        try:
            context = ssl.create_default_context()
            if self.ca is not None:
                context.load_verify_locations(self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ValueError) as error:
            named = ", ".join(f"`{path}`" for path in (self.ca, self.certificate, self.key) if path)
            raise MeshscopeError(
                Finding(
                    code="access/bad-certificate",
                    title=f"{named} can't be used for TLS: {_said(error)}",
                    why="tls_config names files of certificates and keys in PEM form",
                    help="run `openssl x509 -noout -text -in FILE` on the certificate to see what it holds",
                )
            ) from error
        if not self.verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def access(path: Path) -> Access:
    """What the file at ``path`` says; files that it names are found beside it.

    Raises `MeshscopeError` for a file that can't be read, is no YAML, or has keys that are not understood here.
    """
    sections = _sections(path)
    basic, authorization = sections.get("basic_auth", {}), sections.get("authorization", {})
    tls, top = sections.get("tls_config", {}), sections[""]
    header = ""
    if token := _secret(path, top, "bearer_token", "bearer_token_file"):
        header = f"Bearer {token}"
    if credentials := _secret(path, authorization, "credentials", "credentials_file"):
        header = f"{authorization.get('type', 'Bearer')} {credentials}"
    user = _secret(path, basic, "username", "username_file")
    password = _secret(path, basic, "password", "password_file")
    return Access(
        authorization=header,
        basic=(user, password) if user or password else None,
        headers=_headers(path, top.get("http_headers", {})),
        ca=_beside(path, tls.get("ca_file")),
        certificate=_beside(path, tls.get("cert_file")),
        key=_beside(path, tls.get("key_file")),
        verified=str(tls.get("insecure_skip_verify")).lower() not in _YES,
    )


def _sections(path: Path) -> Mapping[str, Mapping[str, object]]:
    """The file's sections by name, its top under an empty one; every key is known."""
    try:
        read = list(documents(str(path), _read(path)))
        document = read[0].texts if read else {}
    except NotYaml as error:
        raise _bad(path, f"is no YAML: {error.said} (line {error.place.line})") from error
    if len(read) > 1:
        raise _bad(path, "has more than one document")
    sections: dict[str, Any] = {"": document}
    if isinstance(document, dict):
        sections |= {name: document[name] for name in _KEYS if name in document}
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise _bad(path, f"has no keys and values{f' in {name}' if name else ''}")
        unknown = sorted(str(key) for key in section if key not in _KEYS[name])
        if unknown:
            raise _bad(path, f"has `{unknown[0]}`{f' in {name}' if name else ''}, which is not understood here")
    return sections


def _headers(path: Path, named: object) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name, said in (named if isinstance(named, dict) else {}).items():
        given = [said.get(key) or [] for key in ("values", "secrets")] if isinstance(said, dict) else []
        values = [value for each in given if isinstance(each, list) for value in each]
        if not values or not all(isinstance(each, list) for each in given):
            raise _bad(path, f"has no `values` for the header `{name}`")
        found += [(str(name), str(value)) for value in values]
    return tuple(found)


def _secret(path: Path, section: Mapping[str, object], key: str, file_key: str) -> str:
    if section.get(key) is not None:
        return str(section[key])
    file = _beside(path, section.get(file_key))
    return _read(file).strip() if file is not None else ""


def _beside(path: Path, name: object) -> Path | None:
    return path.parent / str(name) if name else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MeshscopeError(
            Finding(
                code="access/unreadable",
                title=f"`{path}` can't be read: {_said(error)}",
                why="it says who asks the store of metrics",
                help="name a file that you may read with --http-config",
            )
        ) from error


def _said(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error)
    return f"{said[:1].lower()}{said[1:]}"


def _bad(path: Path, what: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="access/bad-config",
            title=f"`{path}` {what}",
            why="it is read like the file that promtool takes with --http.config.file",
            help="write basic_auth, authorization, tls_config and http_headers as that file has them",
        )
    )
