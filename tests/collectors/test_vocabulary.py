"""What a definition of collectors may say, and how it is refused when it may not."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from meshscope import (
    BasicAuth,
    BearerToken,
    ClientTls,
    Env,
    FileLogs,
    HostMetrics,
    KubeletStats,
    Listen,
    Mesh,
    Otlp,
    OwnerAttributes,
    Pipeline,
    Queue,
    Redact,
    SecretFile,
    ServerTls,
    SpanMetrics,
    TailSampling,
    Tier,
    ToLogStore,
    ToPrometheus,
    ToTier,
    ToTraceStore,
    days,
    percent,
    pipeline,
    seconds,
)
from meshscope.findings import DefinitionError
from meshscope.model.pipelines import drawn
from meshscope.wiring.load import load

MESH = Mesh(name="test", provider="opentelemetry")
TLS = ServerTls(certificate=SecretFile("tls.crt"), key=SecretFile("tls.key"))
PROMETHEUS = ToPrometheus(endpoint=Env("PROMETHEUS_ENDPOINT"))
TRACES = ToTraceStore(endpoint=Env("TRACES_ENDPOINT"))
LOGS = ToLogStore(endpoint=Env("LOGS_ENDPOINT"))


@pipeline
def gateway(_: Mesh) -> Pipeline:
    """Everything passes here."""
    return Pipeline(tier=Tier.GATEWAY, receive=(Otlp(),), redact=Redact(), send=(PROMETHEUS, TRACES, LOGS))


def tier(**changes: object) -> Pipeline:
    """A sound gateway with some changes."""
    sound: dict[str, object] = {
        "tier": Tier.GATEWAY,
        "receive": (Otlp(),),
        "redact": Redact(),
        "send": (PROMETHEUS, TRACES, LOGS),
    }
    return Pipeline(**{**sound, **changes})  # type: ignore[arg-type]


REFUSED: list[tuple[str, str | None, Callable[[], object]]] = [
    ("collector/open-door", "listen", lambda: Otlp(listen=Listen.EVERYWHERE)),
    ("collector/open-door", "listen", lambda: Otlp(listen=Listen.EVERYWHERE, tls=TLS)),
    ("collector/plain-token", "auth", lambda: Otlp(auth=BearerToken(SecretFile("token")))),
    ("collector/inline-secret", "token", lambda: BearerToken("s3cr3t")),  # type: ignore[arg-type]
    ("collector/inline-secret", "password", lambda: BasicAuth(user="mesh", password="s3cr3t")),  # type: ignore[arg-type]
    ("collector/inline-secret", "endpoint", lambda: ToLogStore(endpoint="https://user:s3cr3t@loki.example")),
    ("collector/inline-secret", "key", lambda: ClientTls(key="-----BEGIN", certificate=SecretFile("a"))),  # type: ignore[arg-type]
    ("collector/bad-file", None, lambda: SecretFile("../../etc/passwd")),
    ("collector/bad-file", None, lambda: SecretFile("two words")),
    ("collector/bad-variable", None, lambda: Env("https://tempo.example")),
    ("collector/half-certificate", "certificate", lambda: ClientTls(certificate=SecretFile("a.crt"))),
    ("collector/plain-endpoint", "endpoint", lambda: ToTraceStore(endpoint="http://tempo.example:4318")),
    ("collector/bad-endpoint", "endpoint", lambda: ToTraceStore(endpoint="tempo.example:4318")),
    ("collector/remote-write", "endpoint", lambda: ToPrometheus(endpoint="https://prometheus.example/api/v1/write")),
    ("collector/no-queue", "mebibytes", lambda: Queue(mebibytes=0)),
    ("collector/no-tier", "to", lambda: ToTier(to="gateway")),  # type: ignore[arg-type]
    ("collector/plain-token", "auth", lambda: ToTier(to=gateway, auth=BearerToken(SecretFile("token")))),
    ("collector/bad-pattern", "values", lambda: Redact(values=("(",))),
    ("collector/bad-pattern", "values", lambda: Redact(values=("(?<=card )[0-9]+",))),
    ("collector/bad-pattern", "keys", lambda: Redact(keys=("x*",))),
    ("collector/bad-share", "rest", lambda: TailSampling(rest=150 * percent)),
    ("collector/bad-wait", "decision_wait", lambda: TailSampling(decision_wait=0 * seconds)),
    ("collector/bad-wait", "decision_wait", lambda: TailSampling(decision_wait=1 * days)),
    ("collector/no-tuple", "receive", lambda: tier(receive=Otlp())),
    ("collector/wrong-part", "receive", lambda: tier(receive=(Otlp,))),
    ("collector/wrong-part", "enrich", lambda: tier(enrich=(Redact(),))),
    ("collector/no-way", "receive", lambda: tier(receive=())),
    ("collector/no-way", "send", lambda: tier(send=())),
    ("collector/no-way", "send", lambda: tier(tier=Tier.NODE, receive=(Otlp(), FileLogs()), send=(PROMETHEUS, TRACES))),
    ("collector/no-way", "receive", lambda: tier(tier=Tier.NODE, receive=(HostMetrics(),), send=(PROMETHEUS, LOGS))),
    ("collector/no-way", "count", lambda: tier(send=(TRACES, LOGS), count=SpanMetrics())),
    ("collector/no-way", "sample", lambda: tier(send=(PROMETHEUS, LOGS), sample=TailSampling())),
    ("collector/twice", "receive", lambda: tier(receive=(Otlp(), Otlp()))),
    ("collector/twice", "enrich", lambda: tier(enrich=(OwnerAttributes(), OwnerAttributes()))),
    ("collector/not-on-a-gateway", "receive", lambda: tier(receive=(Otlp(), KubeletStats()))),
    ("collector/sampled-on-a-node", "sample", lambda: tier(tier=Tier.NODE, sample=TailSampling())),
    ("collector/bad-replicas", "replicas", lambda: tier(tier=Tier.NODE, replicas=3)),
    ("collector/bad-replicas", "replicas", lambda: tier(replicas=0)),
    ("collector/unredacted", "send", lambda: tier(redact=None)),
]


@pytest.mark.parametrize(
    ("code", "argument", "define"), REFUSED, ids=[f"{row[0]}-{n}" for n, row in enumerate(REFUSED)]
)
def test_an_unsafe_or_senseless_definition_is_refused_at_its_argument_with_a_reason_and_a_remedy(
    code, argument, define
):
    with pytest.raises(DefinitionError) as caught:
        define()
    finding = caught.value.finding
    assert (finding.code, finding.argument) == (code, argument)
    assert finding.why
    assert finding.help
    assert finding.place is not None


def test_a_receiver_may_listen_everywhere_with_tls_and_either_way_of_knowing_who_sends():
    certified = ServerTls(certificate=SecretFile("a"), key=SecretFile("b"), clients=SecretFile("ca"))
    assert Otlp(listen=Listen.EVERYWHERE, tls=certified)
    assert Otlp(listen=Listen.EVERYWHERE, tls=TLS, auth=BearerToken(Env("SENDERS_TOKEN")))


def test_a_store_on_this_machine_may_be_reached_without_tls():
    assert ToLogStore(endpoint="http://127.0.0.1:3100/otlp")
    assert ToLogStore(endpoint="http://[::1]:3100/otlp")


def test_a_tier_is_named_after_its_function_and_says_what_its_docstring_says():
    made = drawn(gateway, MESH)
    assert (made.name, made.about) == ("gateway", "Everything passes here.")


def test_what_is_sent_to_another_process_is_the_tier_without_the_function_that_drew_it():
    @pipeline
    def node(_: Mesh) -> Pipeline:
        return Pipeline(tier=Tier.NODE, receive=(Otlp(),), send=(ToTier(to=gateway),))

    made = drawn(node, MESH)
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_function_that_returns_no_tier_is_refused():
    @pipeline
    def forgetful(_: Mesh) -> Pipeline:
        return None  # type: ignore[return-value]

    with pytest.raises(DefinitionError, match="returns no Pipeline"):
        drawn(forgetful, MESH)


HOUSE = """\
from meshscope import Mesh

mesh = Mesh(name="shop", provider="opentelemetry")
"""
TIER = """\
from meshscope import Env, Mesh, Otlp, Pipeline, Redact, Tier, ToTraceStore, pipeline


@pipeline
def gateway(mesh: Mesh) -> Pipeline:
    return Pipeline(
        tier=Tier.GATEWAY,
        receive=(Otlp(),),
        REDACT
        send=(ToTraceStore(endpoint=Env("TRACES_ENDPOINT")),),
    )
"""


def _house(folder: Path, **files: str) -> Path:
    (folder / "collectors").mkdir()
    (folder / "mesh.py").write_text(HOUSE)
    for name, text in files.items():
        (folder / "collectors" / f"{name}.py").write_text(text)
    return folder


def test_a_house_s_tiers_are_drawn_with_its_mesh(tmp_path):
    house = load(_house(tmp_path, gateway=TIER.replace("REDACT", "redact=Redact(),")))
    assert house.model is not None
    assert [(one.name, one.place.path, one.place.line) for one in house.model.pipelines] == [
        ("gateway", "collectors/gateway.py", 6)
    ]


def test_a_tier_that_can_not_be_drawn_is_a_finding_in_the_person_s_own_file_and_the_others_are_there(tmp_path):
    unsafe = TIER.replace("REDACT\n", "\n").replace("def gateway", "def unsafe")
    broken = TIER.replace("REDACT", "redact=mesh.redaction,").replace("def gateway", "def broken")
    sound = TIER.replace("REDACT", "redact=Redact(),")
    house = load(_house(tmp_path, gateway=sound, unsafe=unsafe, broken=broken))
    assert house.model is not None
    assert [one.name for one in house.model.pipelines] == ["gateway"]
    found = {finding.code: finding.located(house.root).place for finding in house.findings}
    assert found["collector/unredacted"].path == "collectors/unsafe.py"
    assert found["collector/unredacted"].line == 10
    assert found["load/failed"].path == "collectors/broken.py"


def test_two_tiers_of_one_name_are_a_finding(tmp_path):
    sound = TIER.replace("REDACT", "redact=Redact(),")
    house = load(_house(tmp_path, one=sound, two=sound))
    assert "model/duplicate-pipeline" in [finding.code for finding in house.findings]
