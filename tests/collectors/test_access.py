"""Who may send to a tier, and that nobody in between can listen: proved with certificates made for the test."""

import ssl
import urllib.error
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from collecting_lab import Running, Sink, logs, own_address, surroundings, tiers, trace, write

from meshscope import (
    BearerToken,
    ClientTls,
    Env,
    Listen,
    Mesh,
    Otlp,
    OwnerAttributes,
    Pipeline,
    Redact,
    SecretFile,
    ServerTls,
    Tier,
    ToLogStore,
    ToPrometheus,
    ToTier,
    ToTraceStore,
    pipeline,
)
from meshscope.artefacts.documents import CollectorConfig
from meshscope.model.model import Model
from meshscope.model.pipelines import drawn
from tests.waiting import until

pytestmark = pytest.mark.engines("otelcol")

SERVER = ServerTls(certificate=SecretFile("tls.crt"), key=SecretFile("tls.key"), clients=SecretFile("ca.crt"))
CLIENT = ClientTls(ca=SecretFile("ca.crt"), certificate=SecretFile("tls.crt"), key=SecretFile("tls.key"))
TOKEN = BearerToken(SecretFile("tier-token"))


@pipeline
def locked(_: Mesh) -> Pipeline:
    """A gateway that asks for a certificate and a token."""
    return Pipeline(
        tier=Tier.GATEWAY,
        receive=(Otlp(tls=SERVER, auth=TOKEN),),
        enrich=(OwnerAttributes(),),
        redact=Redact(),
        send=(
            ToPrometheus(endpoint=Env("PROMETHEUS_ENDPOINT")),
            ToTraceStore(endpoint=Env("TRACES_ENDPOINT")),
            ToLogStore(endpoint=Env("LOGS_ENDPOINT")),
        ),
    )


@pipeline
def edge(_: Mesh) -> Pipeline:
    """A tier that has both."""
    return Pipeline(tier=Tier.NODE, receive=(Otlp(),), send=(ToTier(to=locked, tls=CLIENT, auth=TOKEN),))


@pytest.fixture
def configs(boutique: Model) -> Mapping[str, CollectorConfig]:
    """What is built for both."""
    return tiers(replace(boutique, pipelines=tuple(drawn(one, boutique.mesh) for one in (edge, locked))))


def _secrets(environment: Mapping[str, str], authority: trustme.CA) -> None:
    folder = Path(environment["SECRETS_DIRECTORY"])
    issued = authority.issue_cert(environment["MY_POD_IP"])
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    issued.private_key_pem.write_to_path(str(folder / "tls.key"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    (folder / "tier-token").write_text("of-the-tiers\n")


@pytest.fixture
def run(
    engine: Callable[[str], Path], tmp_path: Path, sink: Sink, request: pytest.FixtureRequest
) -> Callable[..., Running]:
    """Starts a collector whose certificates ``authority`` issued."""

    def start(config: CollectorConfig, authority: trustme.CA, **more: str) -> Running:
        folder = tmp_path / config.name
        environment = surroundings(folder, sink, **more)
        _secrets(environment, authority)
        running = Running(engine("otelcol"), write(config, folder), environment, folder / "collector.log")
        request.addfinalizer(running.end)
        running.start()
        return running

    return start


def test_a_tier_with_the_right_certificate_and_token_gets_through_with_all_signals(configs, run, sink: Sink):
    authority = trustme.CA()
    gateway = run(configs["locked"], authority)
    node = run(configs["edge"], authority, LOCKED_HOST=gateway.host)
    assert node.send("/v1/logs", logs(["through"])) == 200
    assert node.send("/v1/traces", trace()) == 200
    until(lambda: sink.logs() and sink.spans(), "a record and a span")
    assert sink.logs()[0][0]["service.owner"] == "payments"


def test_a_tier_whose_certificate_somebody_else_issued_does_not_and_keeps_what_it_has(configs, run, sink: Sink):
    gateway = run(configs["locked"], trustme.CA())
    node = run(configs["edge"], trustme.CA(), LOCKED_HOST=gateway.host)
    assert node.send("/v1/logs", logs(["not through"])) == 200
    until(lambda: "certificate" in node.log.read_text(), "a refusal in its log")
    assert sink.received == []


def test_nobody_gets_in_without_tls_without_a_certificate_or_without_the_token(configs, run, sink: Sink):
    authority = trustme.CA()
    gateway = run(configs["locked"], authority)
    folder = Path(gateway.environment["SECRETS_DIRECTORY"])
    bare = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    known = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    known.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    token = {"Authorization": "Bearer of-the-tiers"}

    assert gateway.send("/v1/logs", logs(["plain"])) == 400
    with pytest.raises((urllib.error.URLError, ConnectionError, ssl.SSLError)):
        gateway.send("/v1/logs", logs(["no certificate"]), "https", context=bare, headers=token)
    assert gateway.send("/v1/logs", logs(["no token"]), "https", context=known) == 401
    guessed = {"Authorization": "Bearer guessed"}
    assert gateway.send("/v1/logs", logs(["wrong token"]), "https", context=known, headers=guessed) == 401
    assert gateway.send("/v1/logs", logs(["known"]), "https", context=known, headers=token) == 200
    until(sink.logs, "the one that was let in")
    assert [record.body.string_value for _, record in sink.logs()] == ["known"]


@pytest.mark.engines("otelcol")
def test_a_receiver_on_every_address_is_accepted_by_the_collector_with_all_of_that(boutique: Model, engine, tmp_path):
    door = Otlp(listen=Listen.EVERYWHERE, tls=SERVER, auth=TOKEN)
    opened = replace(drawn(locked, boutique.mesh), receive=(door,))
    config = tiers(replace(boutique, pipelines=(opened,)))["locked"]
    grpc = config.document["receivers"]["otlp"]["protocols"]["grpc"]  # type: ignore[index]
    assert grpc["endpoint"] == "0.0.0.0:4317"
    assert set(grpc["tls"]) >= {"cert_file", "key_file", "client_ca_file"}
    assert grpc["auth"] == {"authenticator": "bearertokenauth/callers"}
    assert own_address() != own_address()
