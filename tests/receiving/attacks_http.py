"""Requests that are none, or two, or never end."""

from __future__ import annotations

from tests.receiving.attacking import (
    ALERTMANAGER,
    BUSY,
    EITHER,
    GOOD,
    REFUSED,
    TAKEN,
    Attack,
    Target,
    Wire,
    alert,
    post,
    raw,
    webhook,
)

_AUTH = b"Authorization: Bearer $TOKEN\r\n"
_JSON = b"Content-Type: application/json\r\n"
_LENGTH = str(len(GOOD)).encode()
ANY = frozenset(range(200, 500)) - {429}


def _posted(lines: bytes, body: bytes = GOOD, *, first: bytes = b"POST /v1/alerts/alertmanager HTTP/1.1\r\n") -> bytes:
    return first + b"Host: agent\r\n" + _AUTH + _JSON + lines + b"\r\n" + body


def _chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", lines: bytes = b"Transfer-Encoding: chunked\r\n") -> bytes:
    return _posted(lines, b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end)


def _methods() -> list[Attack]:
    names = ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "LINK", "SEARCH", "REPORT")
    found = [post(f"the method {name}", GOOD, method=name) for name in names]
    found.append(raw("the method HEAD", b"HEAD /v1/alerts/alertmanager HTTP/1.1\r\nHost: agent\r\n\r\n"))
    found += [
        post(f"a method that is none: {name!r}", GOOD, method=name) for name in ("post", "POSTX", "\x00POST", "P OST")
    ]
    found.append(raw("CONNECT to elsewhere", b"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: agent\r\n\r\n"))
    found.append(post("a method override", GOOD, method="GET", headers={"X-HTTP-Method-Override": "POST"}))
    return found


_PATHS = (
    "/v1/alerts",
    "/v1/alerts/",
    "//v1/alerts/alertmanager",
    "/v1/alerts/alertmanager/",
    "/v1//alerts/alertmanager",
    "/v1/alerts/../alerts/alertmanager",
    "/v1/alerts/%2e%2e/alerts/alertmanager",
    "/v1/alerts/alertmanager%00",
    "/v1/alerts/alertmanager%0d%0aX: y",
    "/v1/alerts/alertmanager;a=b",
    "/V1/ALERTS/ALERTMANAGER",
    "/v1/alerts/nobody",
    "/v1/alerts/..%2f..%2fetc/passwd",
    "/../../../etc/passwd",
    "/v1/alerts/alertmanager%ff%fe",
    "/v2/alerts",
    "/api/v2/alerts",
    "/v1/alerts/alertmanager.json",
    "/v1/alerts/%C0%AE%C0%AE/x",
    "/static/../../../../etc/passwd",
    "/static/%2e%2e/%2e%2e/pyproject.toml",
    "/.git/config",
    "/v1/alerts/alertmanager/../../../metrics",
)


def _paths() -> list[Attack]:
    found = [post(f"the path {path}", GOOD, path=path) for path in _PATHS]
    return [
        *found,
        post("a path that is encoded", webhook(alert(n=1)), EITHER, path="/v1/alerts/%61lertmanager", stored=1),
        post("a tenant in the query", webhook(alert(n=2)), TAKEN, path=f"{ALERTMANAGER}?tenant=other-tenant", stored=1),
        post("a query of 20,000 bytes", webhook(alert(n=3)), EITHER, path=f"{ALERTMANAGER}?{'a' * 20_000}", stored=1),
        post("a path of 100,000 bytes", GOOD, path="/" + "a" * 100_000),
        raw("a path of bytes that are no text", b"POST /v1/alerts/\xff\xfe HTTP/1.1\r\nHost: agent\r\n\r\n"),
        raw("an asterisk for a path", b"OPTIONS * HTTP/1.1\r\nHost: agent\r\n\r\n"),
        raw(
            "the path of another machine",
            lambda target: _posted(
                b"Content-Length: " + _LENGTH + b"\r\n",
                first=f"POST http://{target.canary}/v1/alerts/alertmanager HTTP/1.1\r\n".encode(),
            ),
            EITHER,
            stored=1,
        ),
    ]


def _framing() -> list[Attack]:
    length = b"Content-Length: " + _LENGTH + b"\r\n"
    within = b"GET /metrics HTTP/1.1\r\nHost: agent\r\n\r\n"
    bad_length = {
        "negative": b"-1",
        "with a plus": b"+5",
        "in hexadecimal": b"0x10",
        "of two": b"5, 5",
        "huge": b"9" * 30,
        "with a space": b"1 0",
        "empty": b"",
        "of words": b"many",
        "a fraction": b"1.5",
        "beyond 64 bit": b"18446744073709551617",
    }
    encodings = {
        "twice chunked": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "chunked and then identity": b"Transfer-Encoding: chunked, identity\r\n",
        "almost chunked": b"Transfer-Encoding: xchunked\r\n",
        "chunked before a colon with a space": b"Transfer-Encoding : chunked\r\n",
        "chunked with a control": b"Transfer-Encoding: \x0bchunked\r\n",
        "chunked in a folded line": b"Transfer-Encoding:\r\n chunked\r\n",
        "gzip, chunked": b"Transfer-Encoding: gzip, chunked\r\n",
        "identity": b"Transfer-Encoding: identity\r\n",
    }
    chunks = {
        "a size beyond all": b"ffffffffffffffffff\r\n{}\r\n",
        "a negative size": b"-5\r\n{}\r\n",
        "a size with 0x": b"0x5\r\n{}\r\n",
        "no size": b"\r\n{}\r\n0\r\n\r\n",
        "too little for its size": b"2\r\n{}{}\r\n0\r\n\r\n",
        "a line end of one byte": b"2\n{}\n0\n\n",
        "a control in an extension": b"2;a=\x00\r\n{}\r\n0\r\n\r\n",
    }
    return [
        *(
            raw(f"a length that is {name}", _posted(b"Content-Length: " + text + b"\r\n"))
            for name, text in bad_length.items()
        ),
        *(raw(f"an encoding that is {name}", _posted(lines + length)) for name, lines in encodings.items()),
        *(
            raw(f"chunks with {name}", _posted(b"Transfer-Encoding: chunked\r\n", text))
            for name, text in chunks.items()
        ),
        raw("a length, and chunks", _posted(length + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + within)),
        raw("chunks, and a length", _posted(b"Transfer-Encoding: chunked\r\n" + length, b"0\r\n\r\n" + within)),
        raw("two lengths that differ", _posted(length + b"Content-Length: 3\r\n")),
        raw("one length twice", _posted(length + length), EITHER, stored=1),
        raw(
            "a length that is too short, and a request in the rest",
            _posted(b"Content-Length: 2\r\n", b"{}" + within),
            ANY,
            answers=2,
        ),
        raw(
            "a chunk's extension of 100,000 bytes",
            _posted(b"Transfer-Encoding: chunked\r\n", b"2;a=" + b"b" * 100_000 + b"\r\n{}\r\n0\r\n\r\n"),
        ),
        raw(
            "a trailer that says who it is",
            b"POST /v1/alerts/alertmanager HTTP/1.1\r\nHost: agent\r\n" + _JSON + b"Transfer-Encoding: chunked\r\n\r\n"
            b"2\r\n{}\r\n0\r\n" + _AUTH + b"\r\n",
        ),
        raw("a trailer of 200,000 bytes", _chunked(b"{}", end=b"0\r\nX: " + b"a" * 200_000 + b"\r\n\r\n")),
        raw("20,000 chunks of one byte", _chunked(*[b" "] * 20_000)),
        raw("line ends of one byte", _posted(length).replace(b"\r\n", b"\n"), EITHER, stored=1),
        raw("line ends that are carriage returns", _posted(length).replace(b"\r\n", b"\r"), closes=True),
    ]


def _headers() -> list[Attack]:
    length = b"Content-Length: " + _LENGTH + b"\r\n"
    return [
        raw("no host", b"POST /v1/alerts/alertmanager HTTP/1.1\r\n" + _AUTH + _JSON + length + b"\r\n" + GOOD),
        raw("two hosts", _posted(b"Host: other\r\n" + length)),
        raw("a header without a colon", _posted(b"nonsense\r\n" + length)),
        raw("a header with a space in its name", _posted(b"X Y: z\r\n" + length)),
        raw("a header with no name", _posted(b": z\r\n" + length)),
        raw("a header with a NUL", _posted(b"X: a\x00b\r\n" + length)),
        raw("a header's name of bytes that are no text", _posted(b"X\xff: a\r\n" + length)),
        raw("a header that is folded", _posted(b"X: a\r\n b\r\n" + length), EITHER, stored=1),
        raw("1,000 headers", _posted(b"X: y\r\n" * 1000 + length)),
        raw("a header of 100,000 bytes", _posted(b"X: " + b"a" * 100_000 + b"\r\n" + length)),
        raw("a header of 5 MB that never ends", _posted(b"")[:-2] + b"X: " + b"a" * 5_000_000),
        raw("a header's name of 100,000 bytes", _posted(b"X" * 100_000 + b": a\r\n" + length)),
        raw("1 MB of line ends", b"\r\n" * 500_000 + _posted(length), EITHER, stored=1),
        post(
            "who it is for, by a proxy's headers",
            GOOD,
            EITHER,
            stored=1,
            headers={
                "X-Forwarded-For": "127.0.0.1",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "evil.example",
                "X-Original-URL": "/metrics",
                "Forwarded": "for=127.0.0.1",
            },
        ),
        raw("an expectation that is none", _posted(b"Expect: the-impossible\r\n" + length), EITHER, stored=1),
        raw(
            "an expectation, and a token that is wrong",
            b"POST /v1/alerts/alertmanager HTTP/1.1\r\nHost: agent\r\nAuthorization: Bearer msk_0_0\r\n"
            + _JSON
            + b"Expect: 100-continue\r\n"
            + length
            + b"\r\n",
        ),
        raw(
            "an upgrade to a web socket",
            b"GET /v1/alerts/alertmanager HTTP/1.1\r\nHost: agent\r\n" + _AUTH + b"Connection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        ),
        raw(
            "an upgrade to HTTP/2",
            _posted(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n" + length),
            EITHER,
            stored=1,
        ),
        raw(
            "a connection that is to be closed, and more",
            _posted(b"Connection: close\r\n" + length) + _posted(length),
            EITHER,
            stored=1,
            answers=2,
        ),
    ]


def _versions() -> list[Attack]:
    length = b"Content-Length: " + _LENGTH + b"\r\n"
    tls = bytes.fromhex("16030100c8010000c40303") + bytes(180)
    return [
        raw("HTTP/0.9", b"GET /metrics\r\n", closes=True),
        raw("HTTP/0.9 that posts", b"POST /v1/alerts/alertmanager\r\n" + GOOD, closes=True),
        raw("HTTP/1.0 without a length", _posted(b"", first=b"POST /v1/alerts/alertmanager HTTP/1.0\r\n"), EITHER),
        raw("HTTP/2.0 in words", _posted(length, first=b"POST /v1/alerts/alertmanager HTTP/2.0\r\n")),
        raw("HTTP/9.9", _posted(length, first=b"POST /v1/alerts/alertmanager HTTP/9.9\r\n")),
        raw("HTTP/1.1 in small letters", _posted(length, first=b"POST /v1/alerts/alertmanager http/1.1\r\n")),
        raw(
            "HTTP/1.1 with two spaces",
            _posted(length, first=b"POST  /v1/alerts/alertmanager  HTTP/1.1\r\n"),
            EITHER,
            stored=1,
        ),
        raw("what HTTP/2 begins with", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64)),
        raw("TLS where none is spoken", tls),
        raw("an answer in place of a request", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        raw("bytes of nothing", bytes(4096)),
        raw("a mail", b"EHLO agent\r\nMAIL FROM:<a@example.org>\r\n"),
        raw("a query of Redis", b"*1\r\n$4\r\nINFO\r\n"),
    ]


def _pipelined() -> list[Attack]:
    one = _posted(b"Content-Length: " + _LENGTH + b"\r\n")
    bare = b"POST /v1/alerts/alertmanager HTTP/1.1\r\nHost: agent\r\nContent-Length: 2\r\n\r\n{}"
    return [
        raw("the same request 10 times at once", one * 10, TAKEN, stored=1, answers=10),
        raw("the same request 500 times at once", one * 500, EITHER | BUSY, stored=1, answers=500, closes=True),
        raw("requests without a token, 500 at once", bare * 500, answers=500, closes=True),
        raw("a request, and one that borrows its token", one + bare, EITHER, stored=1, answers=2),
        raw("a request, and nonsense", one + b"nonsense\r\n\r\n", EITHER, stored=1, closes=True),
    ]


def _slow() -> list[Attack]:
    head = _posted(b"Content-Length: " + _LENGTH + b"\r\n", b"")

    def drip(first: bytes, piece: bytes) -> list[bytes | float]:
        return [first, *[part for _ in range(30) for part in (0.05, piece)]]

    def wire(*pieces: bytes | float):
        def fill(target: Target) -> Wire:
            token = target.tokens["alertmanager"].encode()
            return [one.replace(b"$TOKEN", token) if isinstance(one, bytes) else one for one in pieces]

        return fill

    late = frozenset({408})
    return [
        Attack("nothing at all", wire(b""), late, closes=True, slow=True),
        Attack("half of a request's line", wire(b"POST /v1/al"), late, closes=True, slow=True),
        Attack("half of the headers", wire(head[:60]), late, closes=True, slow=True),
        Attack("headers that drip", wire(*drip(head[:-2], b"X: y\r\n")), late, closes=True, slow=True),
        Attack("a header that drips", wire(*drip(head[:-2] + b"X: ", b"y")), late, closes=True, slow=True),
        Attack("no body", wire(head), late, closes=True, slow=True),
        Attack("half of a body", wire(head + GOOD[:100]), late, closes=True, slow=True),
        Attack("a body that drips", wire(*drip(head, b" ")), late, closes=True, slow=True),
        Attack("line ends that drip", wire(*drip(b"\r\n", b"\r\n")), late, closes=True, slow=True),
        Attack(
            "half of a chunk",
            wire(_posted(b"Transfer-Encoding: chunked\r\n", b"ff\r\n{")),
            late,
            closes=True,
            slow=True,
        ),
        Attack(
            "an expectation, and no body",
            wire(_posted(b"Expect: 100-continue\r\nContent-Length: 9\r\n", b"")),
            late,
            closes=True,
            slow=True,
        ),
        Attack(
            "no token, and a body that never comes",
            wire(b"POST /v1/alerts/alertmanager HTTP/1.1\r\nHost: agent\r\nContent-Length: 1000000\r\n\r\n"),
            REFUSED,
            closes=True,
            slow=True,
        ),
    ]


def _probes() -> list[Attack]:
    return [
        post("a post to the metrics", GOOD, path="/metrics"),
        post("a post to the health", GOOD, path="/healthz"),
        raw(
            "metrics in a form that is none",
            b"GET /metrics HTTP/1.1\r\nHost: agent\r\nAccept: "
            + b"application/openmetrics-text;q=0," * 500
            + b"\r\n\r\n",
            ANY,
        ),
        raw(
            "names of metrics that are none", b"GET /metrics?name[]=%00&name[]=.* HTTP/1.1\r\nHost: agent\r\n\r\n", ANY
        ),
        raw("health with a body", b"GET /healthz HTTP/1.1\r\nHost: agent\r\nContent-Length: 4\r\n\r\nabcd", ANY),
        raw("readiness by another name", b"GET /readyz/../v1/alerts/alertmanager HTTP/1.1\r\nHost: agent\r\n\r\n"),
    ]


HTTP_ATTACKS: tuple[Attack, ...] = (
    *_methods(),
    *_paths(),
    *_framing(),
    *_headers(),
    *_versions(),
    *_pipelined(),
    *_slow(),
    *_probes(),
)
