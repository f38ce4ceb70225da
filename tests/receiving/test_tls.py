"""TLS with a certificate, and with callers that must show theirs."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from meshscope.feedback.credentials import Credentials, new_credential
from meshscope.findings import MeshscopeError
from meshscope.web.listening import Tls
from meshscope.web.server import Running, application
from tests.receiving.attacking import ALERTMANAGER, GOOD
from tests.receiving.conftest import QUICK, write_credentials
from tests.receiving.twin import TwinDesk
from tests.receiving.wire import exchange, request


class Authority:
    """Certificates of one authority, in files."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        issued = self.authority.issue_cert("localhost", "127.0.0.1")
        self.authority.cert_pem.write_to_path(str(self.ca))
        issued.cert_chain_pems[0].write_to_path(str(self.certificate))
        issued.private_key_pem.write_to_path(str(self.key))

    def caller(self, *, shows: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca))
        if shows:
            self.authority.issue_cert("sender.example").configure_cert(context)
        return context


Made = tuple[TwinDesk, Credentials, str]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    token, entry = new_credential("shop", "alertmanager")
    write_credentials(tmp_path / "c.toml", entry)
    desk = TwinDesk()
    yield desk, Credentials(tmp_path / "c.toml"), token
    desk.close()


def test_a_sender_is_taken_in_tls(authority: Authority, made: Made) -> None:
    desk, credentials, token = made
    tls = Tls(certificate=authority.certificate, key=authority.key)
    with Running(application(desk, credentials), tls=tls) as running:
        assert running.url.startswith("https://")
        sent = [request(ALERTMANAGER, GOOD, token)]
        assert exchange(running.port, sent, context=authority.caller()).reply.status == 200
        assert not exchange(running.port, sent, patience=2).replies
    assert len(desk.alerts) == 1


def test_it_may_be_reached_from_elsewhere_in_tls(authority: Authority, made: Made) -> None:
    desk, credentials, token = made
    tls = Tls(certificate=authority.certificate, key=authority.key)
    with Running(application(desk, credentials), host="0.0.0.0", tls=tls) as running:
        sent = [request(ALERTMANAGER, GOOD, token)]
        assert exchange(running.port, sent, context=authority.caller()).reply.status == 200


def test_whoever_shows_no_certificate_is_not_even_heard(authority: Authority, made: Made) -> None:
    desk, credentials, token = made
    tls = Tls(certificate=authority.certificate, key=authority.key, client_ca=authority.ca)
    sent = [request(ALERTMANAGER, GOOD, token)]
    with Running(application(desk, credentials), tls=tls, bounds=QUICK) as running:
        assert not exchange(running.port, sent, context=authority.caller(), patience=2).replies
        other = authority.caller()
        trustme.CA().issue_cert("sender.example").configure_cert(other)
        assert not exchange(running.port, sent, context=other, patience=2).replies
        assert not desk.taken
        assert exchange(running.port, sent, context=authority.caller(shows=True)).reply.status == 200


def test_older_tls_is_not_spoken(authority: Authority, made: Made) -> None:
    desk, credentials, _ = made
    older = authority.caller()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    tls = Tls(certificate=authority.certificate, key=authority.key)
    with Running(application(desk, credentials), tls=tls) as running, pytest.raises(ssl.SSLError):
        exchange(running.port, [b"x"], context=older)


@pytest.mark.parametrize("wrong", ["certificate", "key", "client_ca"])
def test_a_file_that_is_none_is_said(authority: Authority, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "none.pem").write_text("nonsense")
    files = {"certificate": authority.certificate, "key": authority.key}
    for name in ("none.pem", "missing.pem"):
        with pytest.raises(MeshscopeError) as refused:
            Tls(**{**files, wrong: tmp_path / name}).context()
        assert refused.value.finding.code == "web/bad-certificate"
