"""Those who are not whom they say: no token, another's, a guess, a signature of something else, the same one again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping

from tests.receiving.attacking import (
    ALERTMANAGER,
    FALCO,
    GOOD,
    GOOD_FALCO,
    GOOD_GRAFANA,
    GRAFANA,
    TAKEN,
    Attack,
    Target,
    Wire,
    sign,
    stamp,
)
from tests.receiving.wire import request

DENIED = frozenset({400, 401, 431})


def _as(
    name: str,
    authorization: Callable[[Target], str],
    allowed: frozenset[int] = DENIED,
    *,
    path: str = ALERTMANAGER,
    body: bytes = GOOD,
    stored: int = 0,
    **headers: str,
) -> Attack:
    def wire(target: Target) -> Wire:
        told = [
            (name.replace("_", "-"), value.replace("$TOKEN", target.tokens["alertmanager"]))
            for name, value in headers.items()
        ]
        said = authorization(target)
        return [request(path, body, headers=[*([("Authorization", said)] if said else []), *told])]

    return Attack(name, wire, allowed, stored=stored)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _token(change: Callable[[str], str]) -> Callable[[Target], str]:
    return lambda target: "Bearer " + change(target.tokens["alertmanager"])


def _swapped(token: str) -> str:
    """The id of a token with another secret."""
    head, identity, secret = token.split("_", 2)
    return f"{head}_{identity}_{secret[::-1]}"


_TOKENS: Mapping[str, Callable[[str], str]] = {
    "a token whose secret is another": _swapped,
    "a token without its last letter": lambda token: token[:-1],
    "a token with a letter more": lambda token: token + "A",
    "a token in capitals": str.upper,
    "a token of an id alone": lambda token: token[:21],
    "a token with an id that nobody has": lambda token: "msk_ffffffffffffffff_" + token[21:],
    "a token with an empty secret": lambda token: token[:21] + "_",
    "a token with an empty id": lambda token: "msk__" + token[21:],
    "a token with another beginning": lambda token: "ghp" + token[3:],
    "a token with a path for its id": lambda token: "msk_../../etc/passwd_x",
    "a token with SQL for its id": lambda token: "msk_' OR '1'='1_x",
    "a token of letters that are none": lambda token: "msk_\xe9\xe8\xff_\xe0",
    "a token of 900 bytes": lambda token: token + "A" * 850,
    "a token of 20,000 bytes": lambda token: token + "A" * 20_000,
    "a token of 200,000 bytes": lambda token: token + "A" * 200_000,
    "two tokens in one header": lambda token: f"msk_0_0, Bearer {token}",
    "a token that signs itself": lambda token: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    "a token with quotes": lambda token: f'"{token}"',
}


def _callers() -> list[Attack]:
    return [
        _as("no token", lambda _: ""),
        _as("an empty header", lambda _: " "),
        _as("a scheme and no token", lambda _: "Bearer"),
        _as("a scheme and a space", lambda _: "Bearer  "),
        _as("a token without a scheme", lambda target: target.tokens["alertmanager"]),
        *(
            _as(f"the scheme {name}", lambda target, name=name: f"{name} {target.tokens['alertmanager']}")
            for name in ("Digest", "Negotiate", "Token", "OAuth", "AWS4-HMAC-SHA256", "Bearer:")
        ),
        *(_as(name, _token(change)) for name, change in _TOKENS.items()),
        _as("a token in the query", lambda _: "", path=f"{ALERTMANAGER}?access_token=x"),
        _as("a token in a cookie", lambda _: "", Cookie="token=$TOKEN; Authorization=Bearer $TOKEN"),
        _as("a token for a proxy", lambda _: "", Proxy_Authorization="Bearer $TOKEN"),
        _as(
            "a user whom a proxy names", lambda _: "", X_Forwarded_User="shop", X_Remote_User="shop", Remote_User="shop"
        ),
        _as("a certificate in a header", lambda _: "", X_SSL_Client_Verify="SUCCESS", X_Client_Cert="shop"),
        _as("a token of this machine", lambda _: "", X_Real_IP="127.0.0.1", Host="localhost"),
        _as("Grafana's token at Alertmanager's path", lambda target: f"Bearer {target.tokens['grafana']}"),
        _as("Falco's token at Alertmanager's path", lambda target: f"Bearer {target.tokens['falco']}"),
        _as(
            "Alertmanager's token at Falco's path",
            lambda target: f"Bearer {target.tokens['alertmanager']}",
            path=FALCO,
            body=GOOD_FALCO,
        ),
        _as(
            "Alertmanager's token at Grafana's path",
            lambda target: f"Bearer {target.tokens['alertmanager']}",
            path=GRAFANA,
            body=GOOD_GRAFANA,
        ),
        _as("a password of nobody", lambda _: _basic("nobody", "x")),
        _as("a password that is wrong", lambda _: _basic("by-password", "x")),
        _as("an empty password", lambda _: _basic("by-password", "")),
        _as(
            "a password at another path",
            lambda target: _basic("by-password", target.tokens["basic"]),
            path=FALCO,
            body=GOOD_FALCO,
        ),
        _as("a user with a NUL", lambda target: _basic("by-password\x00", target.tokens["basic"])),
        _as("a token for a password", lambda target: _basic("shop", target.tokens["alertmanager"])),
        _as("a password without a colon", lambda _: "Basic " + base64.b64encode(b"by-password").decode()),
        _as("a password that is no base64", lambda _: "Basic !!!!"),
        _as("a password of base64 that is too long", lambda _: "Basic " + "QUFB" * 5000),
        *(
            Attack(f"two headers, {name}", wire, DENIED)
            for name, wire in {
                "the second one good": _two("msk_0_0", "$TOKEN"),
                "the first one good": _two("$TOKEN", "msk_0_0"),
                "both good": _two("$TOKEN", "$TOKEN"),
            }.items()
        ),
    ]


def _two(*tokens: str) -> Callable[[Target], Wire]:
    def wire(target: Target) -> Wire:
        sent = request(ALERTMANAGER, GOOD)
        lines = "".join(f"Authorization: Bearer {token}\r\n" for token in tokens)
        head, _, body = sent.partition(b"\r\n\r\n")
        said = lines.replace("$TOKEN", target.tokens["alertmanager"]).encode()
        return [head + b"\r\n" + said + b"\r\n" + body]

    return wire


def _signed(
    name: str,
    made: Callable[[Target, bytes], tuple[str, str]],
    allowed: frozenset[int] = DENIED,
    *,
    who: str = "signed",
    stored: int = 0,
    times: int = 1,
    more: str = "",
) -> Attack:
    """``made`` gives the signature and the timestamp, each left out where it is empty."""

    def wire(target: Target) -> Wire:
        body = _about(name)
        signature, timestamp = made(target, body)
        headers = [("X-Grafana-Alerting-Signature", signature)] if signature else []
        headers += [(target.timestamp_header, timestamp)] if timestamp else []
        sent = request(GRAFANA, body, target.tokens[who], headers=headers)
        return [sent.replace(b"\r\n\r\n", b"\r\n" + more.encode() + b"\r\n", 1) if more else sent] * times

    return Attack(name, wire, allowed, stored=stored, answers=times)


def _about(name: str) -> bytes:
    body = json.loads(GOOD_GRAFANA)
    body["alerts"][0] |= {"fingerprint": f"{abs(hash(name)) % (1 << 64):016x}", "labels": {"alertname": "NoSuchAlert"}}
    return json.dumps(body).encode()


def _signatures() -> list[Attack]:
    now, old, ahead = stamp, lambda: stamp(-330), lambda: stamp(330)

    def at(moment: str) -> Callable[[Target, bytes], tuple[str, str]]:
        return lambda target, body: (sign(target.hmac, body, moment), moment)

    return [
        _signed("a body that is not signed", lambda *_: ("", "")),
        _signed("a signature that is empty", lambda *_: (" ", now())),
        _signed("a signature of zeros", lambda *_: ("0" * 64, now())),
        _signed("a signature of another body", lambda target, _: (sign(target.hmac, b"{}", now()), now())),
        _signed("a signature by the token", lambda target, body: (sign(target.tokens["signed"], body, now()), now())),
        _signed("a signature by nothing", lambda _, body: (sign("", body, now()), now())),
        _signed("a signature without a time", lambda target, body: (sign(target.hmac, body), "")),
        _signed("a signature of the body alone, and a time", lambda target, body: (sign(target.hmac, body), now())),
        _signed("a signature of another time", lambda target, body: (sign(target.hmac, body, now()), stamp(-7))),
        _signed("a signature of 330 seconds ago", lambda target, body: at(old())(target, body)),
        _signed("a signature of 330 seconds ahead", lambda target, body: at(ahead())(target, body)),
        _signed("a time in words", at("yesterday")),
        _signed("a negative time", at("-1")),
        _signed("a time with a fraction", lambda target, body: at(now() + ".5")(target, body)),
        _signed("a time in milliseconds", lambda target, body: at(now() + "000")(target, body)),
        _signed("a time of 400 digits", at("9" * 400)),
        _signed("a time that is no number", at("NaN")),
        _signed("a time in other digits", at("\xb2\xb2\xb2")),
        _signed("half of a signature", lambda target, body: (sign(target.hmac, body, now())[:32], now())),
        _signed(
            "a signature by another name", lambda target, body: ("sha256=" + sign(target.hmac, body, now()), now())
        ),
        _signed(
            "two signatures",
            lambda target, body: (sign(target.hmac, body, now()), now()),
            more="X-Grafana-Alerting-Signature: 00\r\n",
        ),
        _signed("a signed body four times", lambda target, body: at(now())(target, body), TAKEN, stored=1, times=4),
        _signed(
            "a signed body by the secret before",
            lambda target, body: (sign(target.old_hmac, body, now()), now()),
            TAKEN,
            stored=1,
        ),
        _signed("a body without a time that is not signed", lambda *_: ("", ""), who="signed-plain"),
        _signed(
            "a body without a time, signed with one", lambda target, body: at(now())(target, body), who="signed-plain"
        ),
        _signed("a signature where none is asked for", lambda *_: ("0" * 64, now()), TAKEN, who="grafana", stored=1),
    ]


CALLER_ATTACKS: tuple[Attack, ...] = (*_callers(), *_signatures())
