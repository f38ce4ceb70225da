"""Where collectors get what must not be written down: their environment, files of secrets, certificates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TypeAlias, TypeVar

from meshscope.findings import DefinitionError, Finding, Place, here

T = TypeVar("T")

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_FILE = re.compile(r"[A-Za-z0-9._/-]+")
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<user>[^/\s]*@)?(?P<host>\[[0-9a-fA-F:]+\]|[^/:@\s]+)(?::\d+)?(?:/\S*)?"
)


def refused(code: str, place: Place | None, argument: str | None, title: str, why: str, remedy: str) -> DefinitionError:
    """The error that says why a part of a pipeline can never be right."""
    return DefinitionError(Finding(code=code, title=title, place=place, argument=argument, why=why, help=remedy))


def some_of(values: object, kinds: tuple[type[T], ...], argument: str, place: Place | None) -> tuple[T, ...]:
    """``values`` where it is a tuple of ``kinds``. Raises `DefinitionError` for anything else, at ``argument``."""
    names = ", ".join(kind.__name__ for kind in kinds)
    if not isinstance(values, tuple):
        raise refused("collector/no-tuple", place, argument, f"`{argument}` is no tuple",
                      f"it is a {type(values).__name__}; a pipeline takes any number of {names}",
                      f"write {argument}=(...,) with a comma after a single one")  # fmt: skip
    for value in values:
        if not isinstance(value, kinds):
            told = value.__name__ if isinstance(value, type) else type(value).__name__
            called = isinstance(value, type) and issubclass(value, kinds)
            raise refused("collector/wrong-part", place, argument, f"{told} does not belong into `{argument}`",
                          f"what may stand there: {names}",
                          f"call it: {told}()" if called else f"write one of {names}")  # fmt: skip
    return values


@dataclass(frozen=True)
class Env:
    """A variable of the collector's environment, read when it starts; ``means`` stands at the top of its config.

    Example::

        ToTraceStore(endpoint=Env("TRACES_ENDPOINT", "where traces are stored"))
    """

    name: str
    """The variable's name."""
    means: str = ""
    """What it holds, for whoever sets it."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch(self.name):
            raise refused("collector/bad-variable", self.place, None, f"`{self.name}` is no name of a variable",
                          "it is written into the config as ${env:NAME}, which the collector replaces when it starts",
                          "write the variable's name, for example Env(\"TRACES_ENDPOINT\")")  # fmt: skip

    def __str__(self) -> str:
        return f"${{env:{self.name}}}"


@dataclass(frozen=True)
class SecretFile:
    """A file that is mounted into the collector's folder of secrets, or anywhere by its absolute path.

    Collectors read it again when it changes, so a renewed token or certificate needs no restart.

    Example::

        BearerToken(SecretFile("prometheus-token"))
    """

    name: str
    """The file in the collector's folder of secrets, or its absolute path."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not _FILE.fullmatch(self.name) or ".." in self.name.split("/"):
            raise refused("collector/bad-file", self.place, None, f"`{self.name}` is no file of secrets",
                          "it names a file in the folder of secrets; what the file holds never stands in a definition",
                          "write the file's name, for example SecretFile(\"prometheus-token\")")  # fmt: skip


Secret: TypeAlias = SecretFile | Env


def check_secret(value: object, argument: str, place: Place | None) -> None:
    """Refuse a secret that stands in the definition itself."""
    if isinstance(value, SecretFile | Env):
        return
    raise refused("collector/inline-secret", place, argument, f"`{argument}` holds a secret itself",
                  "definitions and what is built from them are kept in version control and shown to people",
                  f'write {argument}=SecretFile("...") for a mounted file, or Env("...") for a variable')  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ServerTls:
    """TLS of a receiver. With ``clients`` (a CA's certificate) callers must show a certificate that it signed.

    Example::

        Otlp(tls=ServerTls(certificate=SecretFile("tls.crt"), key=SecretFile("tls.key"), clients=SecretFile("ca.crt")))
    """

    certificate: SecretFile
    """The certificate that callers see."""
    key: SecretFile
    """Its key."""
    clients: SecretFile | None = None
    """The CA whose certificates callers must show."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_secret(self.key, "key", self.place)


@dataclass(frozen=True, kw_only=True)
class ClientTls:
    """TLS of an exporter: the ``ca`` that signed the server (None: the system's), and its own certificate and key.

    Example::

        ToTraceStore(endpoint="https://tempo.example:4318", tls=ClientTls(ca=SecretFile("ca.crt")))
    """

    ca: SecretFile | None = None
    """The CA that signed the server; not given, the system's."""
    certificate: SecretFile | None = None
    """The certificate to show."""
    key: SecretFile | None = None
    """Its key."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.key is not None:
            check_secret(self.key, "key", self.place)
        if (self.certificate is None) != (self.key is None):
            raise refused("collector/half-certificate", self.place, "key" if self.key else "certificate",
                          "a client certificate needs its key, and a key its certificate",
                          "the collector would refuse to start", "give both, or neither")  # fmt: skip


@dataclass(frozen=True)
class BearerToken:
    """A token in the header ``Authorization``: what a receiver asks for, or an exporter shows.

    Example::

        ToTraceStore(endpoint="https://tempo.example:4318", auth=BearerToken(SecretFile("tempo-token")))
    """

    token: Secret
    """Where the token is."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_secret(self.token, "token", self.place)


@dataclass(frozen=True, kw_only=True)
class BasicAuth:
    """A user's name and password in the header ``Authorization`` of an exporter.

    Example::

        ToTraceStore(endpoint="https://tempo.example:4318", auth=BasicAuth(user="mesh", password=SecretFile("tempo")))
    """

    user: str
    """The user's name."""
    password: Secret
    """Where the password is."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_secret(self.password, "password", self.place)


Auth: TypeAlias = BearerToken | BasicAuth


def check_endpoint(endpoint: str | Env, what: str, place: Place | None) -> None:
    """Refuse an address without TLS, one that holds credentials, and what is no address."""
    if isinstance(endpoint, Env):
        return
    parts = _ADDRESS.fullmatch(endpoint)
    if parts is None:
        raise refused("collector/bad-endpoint", place, "endpoint", f"`{endpoint}` is no address of {what}",
                      "telemetry is sent by OTLP over HTTP, to paths below this address",
                      'write it as "https://host:port", or Env("...")')  # fmt: skip
    if parts["user"]:
        raise refused("collector/inline-secret", place, "endpoint", f"the address of {what} holds credentials",
                      "definitions and what is built from them are kept in version control and shown to people",
                      'write the address alone, and add auth=BearerToken(SecretFile("..."))')  # fmt: skip
    if parts["scheme"] == "http" and not _is_loopback(parts["host"]):
        raise refused("collector/plain-endpoint", place, "endpoint", f"{what} is reached without TLS",
                      "whoever sits between reads and changes all telemetry, and the credentials that go with it",
                      f'write "https://{endpoint.partition("://")[2]}"')  # fmt: skip


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def twice(values: Iterable[object]) -> str | None:
    """The name of a kind of which ``values`` holds more than one; None where all differ."""
    seen: set[str] = set()
    for value in values:
        name = type(value).__name__
        if name in seen:
            return name
        seen.add(name)
    return None
