"""Who may send: tokens and passwords, two at once, a file that changes, and one that is wrong."""

from __future__ import annotations

import base64
import os
import tomllib
from pathlib import Path

import pytest

from meshscope.feedback.credentials import Credentials, Denied, new_credential, password_hash
from meshscope.findings import MeshscopeError
from tests.receiving.conftest import Agent, body, write_credentials


def file(folder: Path, *entries: str) -> Path:
    path = folder / "credentials.toml"
    write_credentials(path, "\n".join(entries))
    return path


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def code(path: Path) -> str:
    with pytest.raises(MeshscopeError) as wrong:
        Credentials(path)
    assert "--new-credential" in wrong.value.finding.help or "chmod" in wrong.value.finding.help
    return wrong.value.finding.code


def denied(credentials: Credentials, sender: str, header: bytes) -> str:
    with pytest.raises(Denied) as no:
        credentials.check(sender, header)
    return no.value.reason


def test_a_token_names_its_tenant_and_is_not_in_the_file(tmp_path: Path) -> None:
    token, entry = new_credential("shop", "alertmanager")
    path = file(tmp_path, entry)
    caller = Credentials(path).check("alertmanager", bearer(token))
    assert (caller.tenant, caller.sender) == ("shop", "alertmanager")
    assert token.split("_", 2)[2] not in path.read_text()
    assert len(base64.urlsafe_b64decode(token.split("_", 2)[2] + "=")) == 32


def test_no_two_tokens_and_no_two_salts_are_alike() -> None:
    made = [new_credential("shop", "falco") for _ in range(50)]
    assert len({token for token, _ in made}) == 50
    assert len({tomllib.loads(entry)["credential"][0]["hash"].split("$")[2] for _, entry in made}) == 50


def test_a_token_of_one_kind_of_sender_is_none_for_another(tmp_path: Path) -> None:
    token, entry = new_credential("shop", "falco")
    credentials = Credentials(file(tmp_path, entry))
    assert credentials.check("falco", bearer(token)).tenant == "shop"
    assert denied(credentials, "alertmanager", bearer(token)) == "other_sender"


def test_an_id_that_nobody_has_and_a_secret_that_is_wrong_are_told_the_same(tmp_path: Path) -> None:
    token, entry = new_credential("shop", "falco")
    credentials = Credentials(file(tmp_path, entry))
    assert denied(credentials, "falco", bearer(token + "x")) == "unknown"
    assert denied(credentials, "falco", bearer("msk_0123456789abcdef_" + "x" * 43)) == "unknown"


def test_two_tokens_are_good_while_one_takes_the_place_of_the_other(tmp_path: Path) -> None:
    old, old_entry = new_credential("shop", "alertmanager")
    new, new_entry = new_credential("shop", "alertmanager")
    hashed = tomllib.loads(old_entry)["credential"][0]["hash"]
    credentials = Credentials(file(tmp_path, new_entry + f'previous = "{hashed}"\n'))
    assert credentials.check("alertmanager", bearer(new)).tenant == "shop"
    assert credentials.check("alertmanager", bearer(old)).tenant == "shop"
    write_credentials(tmp_path / "credentials.toml", new_entry)
    credentials.look()
    assert denied(credentials, "alertmanager", bearer(old)) == "unknown"
    assert credentials.check("alertmanager", bearer(new)).tenant == "shop"


def test_a_password_is_hashed_once_and_then_known(tmp_path: Path) -> None:
    password, entry = new_credential("shop", "grafana", "basic")
    credentials = Credentials(file(tmp_path, entry))
    header = basic("shop", password)
    assert credentials.costly("grafana", header)
    assert credentials.check("grafana", header).tenant == "shop"
    assert not credentials.costly("grafana", header)
    assert credentials.check("grafana", header).tenant == "shop"
    assert denied(credentials, "alertmanager", header) == "unknown"
    assert denied(credentials, "grafana", basic("shop", password + "x")) == "unknown"
    assert denied(credentials, "grafana", basic("shop", "")) == "unknown"


def test_a_password_that_was_taken_away_is_not_remembered(tmp_path: Path) -> None:
    password, entry = new_credential("shop", "grafana", "basic")
    credentials = Credentials(file(tmp_path, entry))
    header = basic("shop", password)
    assert credentials.check("grafana", header)
    write_credentials(tmp_path / "credentials.toml", new_credential("shop", "grafana", "basic")[1])
    credentials.look()
    assert denied(credentials, "grafana", header) == "unknown"


def test_a_password_may_be_a_persons_choice(tmp_path: Path) -> None:
    entry = f'[[credential]]\nname = "shop"\nsender = "falco"\nscheme = "basic"\nhash = "{password_hash("a: b")}"\n'
    assert Credentials(file(tmp_path, entry)).check("falco", basic("shop", "a: b")).tenant == "shop"


def test_one_tenant_may_have_a_password_for_each_kind_of_sender(tmp_path: Path) -> None:
    one, one_entry = new_credential("shop", "falco", "basic")
    other, other_entry = new_credential("shop", "grafana", "basic")
    credentials = Credentials(file(tmp_path, one_entry, other_entry))
    assert credentials.check("falco", basic("shop", one)).sender == "falco"
    assert credentials.check("grafana", basic("shop", other)).sender == "grafana"
    assert denied(credentials, "falco", basic("shop", other)) == "unknown"


@pytest.mark.parametrize("header", [b"", b"Bearer", b"Bearer x", b"Basic", b"Basic !", b"Digest x", b"\xff" * 10])
def test_a_header_that_is_none_is_denied(tmp_path: Path, header: bytes) -> None:
    credentials = Credentials(file(tmp_path, new_credential("shop", "falco")[1]))
    assert denied(credentials, "falco", header) in ("absent", "malformed")


def test_without_a_file_nobody_starts(tmp_path: Path) -> None:
    assert code(tmp_path / "none.toml") == "credentials/unreadable"


def test_a_file_that_lets_nobody_in_is_said(tmp_path: Path) -> None:
    assert code(file(tmp_path, "")) == "credentials/none"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o666, 0o644])
def test_a_file_that_everybody_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = file(tmp_path, new_credential("shop", "falco")[1])
    path.chmod(mode)
    assert code(path) == "credentials/open-to-all"
    path.chmod(0o440)
    Credentials(path)


_GOOD = 'name = "shop"\nsender = "falco"\nscheme = "bearer"\n'
_FALCO, _GRAFANA = new_credential("shop", "falco")[1], new_credential("shop", "grafana")[1]
_SCRYPT = "scrypt$" + "0" * 32 + "$" + "0" * 64
_BASIC = f'[[credential]]\nname = "shop"\nsender = "grafana"\nscheme = "basic"\nhash = "{_SCRYPT}"\n'


@pytest.mark.parametrize(
    "entry",
    [
        "not toml",
        "[[credential]]\n",
        f"[[credential]]\n{_GOOD}",
        f'[[credential]]\n{_GOOD}hash = ""\n',
        f'[[credential]]\n{_GOOD}hash = "x"\n',
        f'[[credential]]\n{_GOOD}hash = "sha256$a$b$c"\n',
        f'[[credential]]\n{_GOOD}hash = "sha256$id$00$00"\n',
        f'[[credential]]\n{_GOOD}hash = "{_SCRYPT}"\n',
        f'[[credential]]\n{_GOOD}hash = "{"$".join(("sha256", "", "0" * 32, "0" * 64))}"\n',
        _FALCO.replace("shop", "../shop"),
        _FALCO.replace("shop", "a/b"),
        _FALCO.replace("falco", "prometheus"),
        _FALCO + 'hmac = "x"\n',
        _GRAFANA + 'timestamp_header = "X-Time"\n',
        _FALCO + 'unknown = "x"\n',
        _FALCO + "[other]\n",
        _BASIC * 2,
        _GRAFANA * 2,
    ],
    ids=range(18),
)
def test_an_entry_that_is_wrong_is_said(tmp_path: Path, entry: str) -> None:
    assert code(file(tmp_path, entry)) == "credentials/bad-entry"


@pytest.mark.parametrize(
    ("name", "sender"), [("a/b", "falco"), ("", "falco"), ("Shop", "falco"), ("shop", "pagerduty")]
)
def test_nobody_is_made_whose_name_could_not_be_a_key(name: str, sender: str) -> None:
    with pytest.raises(MeshscopeError) as wrong:
        new_credential(name, sender)
    assert wrong.value.finding.code == "credentials/bad-name"


_CHANGES = {
    "nonsense": lambda path: path.write_text("nonsense"),
    "gone": Path.unlink,
    "open": lambda path: path.chmod(0o644),
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
def test_a_newer_file_that_is_wrong_leaves_the_old_one_in_force_and_is_told(agent: Agent, change) -> None:
    change(agent.file)
    agent.credentials.look()
    assert agent.post("alertmanager", body("alertmanager-firing.json")).reply.status == 200
    assert b"meshscope_agent_credentials_stale 1.0" in agent.get("/metrics").reply.body
    health = agent.get("/healthz").reply
    assert (health.status, b"credentials.toml" in health.body) == (200, True)


def test_a_newer_file_that_is_mended_is_in_force(agent: Agent) -> None:
    agent.file.write_text("nonsense")
    agent.credentials.look()
    assert agent.credentials.problem
    token, entry = new_credential("shop", "alertmanager")
    write_credentials(agent.file, entry)
    agent.credentials.look()
    assert not agent.credentials.problem
    assert agent.post("alertmanager", body("alertmanager-firing.json"), token=token).reply.status == 200
    assert agent.post("alertmanager", body("alertmanager-firing.json")).reply.status == 401
    assert b"meshscope_agent_credentials_stale 0.0" in agent.get("/metrics").reply.body


def test_a_file_behind_a_link_that_moves_is_read_again(tmp_path: Path) -> None:
    """As Kubernetes does it with a Secret."""
    tokens = []
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        token, entry = new_credential("shop", "falco")
        file(tmp_path / version, entry)
        tokens.append(token)
    (tmp_path / "data").symlink_to("one")
    credentials = Credentials(tmp_path / "data" / "credentials.toml")
    (tmp_path / "next").symlink_to("two")
    os.replace(tmp_path / "next", tmp_path / "data")
    credentials.look()
    assert denied(credentials, "falco", bearer(tokens[0])) == "unknown"
    assert credentials.check("falco", bearer(tokens[1])).tenant == "shop"


def test_a_secret_is_in_no_text_that_is_shown(tmp_path: Path) -> None:
    token, entry = new_credential("shop", "grafana")
    credentials = Credentials(file(tmp_path, entry + 'hmac = "very-secret"\n'))
    caller = credentials.check("grafana", bearer(token))
    assert caller.hmac == (b"very-secret",)
    assert "very-secret" not in repr(caller)
