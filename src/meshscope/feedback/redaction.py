"""Secrets in text from outside, masked before anybody reads it: more is masked than need be, never less."""

from __future__ import annotations

import re
from collections.abc import Callable

MASK = "[redacted]"

# What is longer is cut before it is searched, so that hostile text costs no more than other text.
LONGEST = 200_000

_NAMES = (
    r"passwd|password|passphrase|pwd|secret|token|credentials?|api[._-]?key|access[._-]?key|account[._-]?key|"
    r"private[._-]?key|secret[._-]?key|secret[._-]?access[._-]?key|session[._-]?(?:id|key)|"
    r"shared[._-]?access[._-]?(?:key|signature)|(?<![a-z])sig|signature"
)
_TOKENS = (
    r"gh[pousr]_[A-Za-z0-9]{16,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"gl[a-z]{2,8}-[A-Za-z0-9_.-]{16,}",
    r"xox[a-z]-[A-Za-z0-9-]{8,}",
    r"xapp-[A-Za-z0-9-]{8,}",
    r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{12,}",
    r"AIza[A-Za-z0-9_-]{30,}",
    r"ya29\.[A-Za-z0-9_-]{16,}",
    r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}",
    r"sk-[A-Za-z0-9_-]{16,}",
    r"[srp]k_(?:live|test)_[A-Za-z0-9]{10,}",
    r"npm_[A-Za-z0-9]{20,}",
    r"pypi-[A-Za-z0-9_-]{20,}",
    r"SG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    r"d(?:op|oo|or)_v1_[a-f0-9]{32,}",
    r"hv[sbr]\.[A-Za-z0-9_-]{16,}",
    r"glsa_[A-Za-z0-9_]{20,}",
    r"[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}",
)
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{1,60}-----")
_END = re.compile(r"-----END [A-Z0-9 ]{1,60}-----")
_CHUNK = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


def _kept(match: re.Match[str]) -> str:
    return f"{match['kept']}{MASK}"


# In order: what may hold another one comes first. A run that something must follow is bounded, so that a search takes
# linear time.
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(?P<kept>[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^\s/?#\"'<>]{1,512}(?=@)"), _kept),
    (re.compile(r"(?P<kept>://[^\s/@:]{0,128}:)[^\s@\"'<>]{1,256}(?=@)"), _kept),
    (re.compile(r"(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{1,64}:[^\s@:/\"'<>]{1,128}(?=@(?!sha256:)[A-Za-z0-9\[])"), MASK),
    (re.compile(r"(?i)(?P<kept>\b(?:proxy-)?authorization[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?)"
                r"(?:(?:digest|oauth|negotiate|ntlm|aws4[a-z0-9-]{1,20})[ \t][^\n]*|"
                r"(?:[a-z]{1,20}[ \t]{1,4})?[^\s\"',;]+)"), _kept),
    (re.compile(r"(?i)(?P<kept>\b(?:set-)?cookie[\"']?[ \t]{0,4}[:=][ \t]{0,4})[^\n]+"), _kept),
    (re.compile(r"(?P<kept>\b(?:[Bb]asic|BASIC|[Bb]earer|BEARER)[ \t]{1,4})[A-Za-z0-9._~+/-]{8,}=*"), _kept),
    (re.compile(rf"(?i)(?P<kept>(?:{_NAMES})\\?[\"']?[ \t]{{0,4}}(?:=>|:=|[:=])[ \t]{{0,4}})"
                r"(?:\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|[^\s\"',;&}]+)"), _kept),
    (re.compile(r"(?P<kept>hooks\.slack\.com/[a-z]{1,20}/)[A-Za-z0-9/_-]{8,}"), _kept),
    (re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_TOKENS)})"), MASK),
    # Card numbers begin with an issuer's digits and have its length, so that times and most ids are none.
    (re.compile(r"(?<![0-9])(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|4[4-9][0-9]|5[0-9]{2}))"
                r"(?:[ .-]?[0-9]{4}){3}(?:[ .-]?[0-9]{3})?(?![0-9])"), MASK),
    (re.compile(r"(?<![0-9])3[47][0-9]{2}[ .-]?[0-9]{6}[ .-]?[0-9]{5}(?![0-9])"), MASK),
    (re.compile(r"(?i)(?<![a-z0-9._%+-])[a-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![a-z0-9-])"), MASK),
)  # fmt: skip


def redacted(text: str) -> str:
    """``text`` with credentials, tokens, private keys, card numbers and mail addresses masked.

    What is longer than 200,000 characters is cut at a space first.
    """
    text = _without_keys(beginning(text, LONGEST))
    for pattern, mask in _RULES:
        text = pattern.sub(mask, text)
    return text


def beginning(text: str, most: int) -> str:
    """The first ``most`` characters at the most, cut at a space: half a token would not be known for one."""
    if len(text) <= most:
        return text
    end = max(text.rfind(space, most // 2, most) for space in " \t\n") + 1
    return f"{text[: end or most // 2]}…"


def _without_keys(text: str) -> str:
    """Without PEM blocks: whole ones, and what is left where lines were cut or something stands before each of them."""
    parts: list[str] = []
    at = 0
    while (begin := _BEGIN.search(text, at)) and (end := _END.search(text, begin.end())):
        parts += (text[at : begin.start()], MASK)
        at = end.end()
    whole = "".join([*parts, text[at:]])
    if not (_BEGIN.search(whole) or _END.search(whole)):
        return whole
    return _END.sub(MASK, _BEGIN.sub(MASK, _CHUNK.sub(MASK, whole)))
