"""What is taken for a secret or for a person's own data: attributes by their name, and text wherever it stands.

All are regular expressions in RE2's syntax, which has no lookaround: what a pattern matches is masked whole, so each is
as narrow as the shape that its issuer documents. What they catch and what they leave is tested on a real collector with
tests/collectors/secrets.toml; docs/redaction.md lists it.
"""

from __future__ import annotations

import re

# Attributes whose whole value is masked. A word stands alone or between dots, dashes and underscores, so that
# `gen_ai.usage.input_tokens` is not taken for a token.
_ALONE = r"(?i)(?:^|[._-])(?:{})(?:[._-]|\z)"

KEYS = (
    _ALONE.format(
        "authorization|cookie|set-cookie|passwd|password|passphrase|pwd|secret|token|credentials?|x-auth|iban|webhook"
    ),
    r"(?i)(?:api|access|auth|bearer|client|csrf|private|refresh|secret|session|xsrf)[._-]?(?:key|token|secret|id_token)",
    r"(?i)webhook[._-]?(?:url|uri|key|secret)",
    # `session.id` of OpenTelemetry's conventions names a visit, and lets nobody in: it stays.
    _ALONE.format(r"[a-z]*session_?id|session-id|sessid|phpsessid|connect\.sid"),
    _ALONE.format(
        r"ssn|social[._-]?security(?:[._-]?(?:no|number))?|national[._-]?id(?:[._-]?(?:no|number))?|tax[._-]?id|"
        r"passport[._-]?(?:no|number)|nino|nif|dni|cpf|pesel|bsn|personnummer|aadhaar|codice[._-]?fiscale"
    ),
    r"(?i)(?:^|[._-])passport\z",
)

# Attributes that such a word does not make secret.
HARMLESS_KEYS = (r"(?i)(?:^|[._-])tokens?[._-]counts?(?:[._-]|\z)",)

_HTTP = (
    r"(?i)\b(?:authorization|x-auth(?:-[a-z]+)*)[\"']?\s*[:=]\s*[\"']?(?:(?:basic|bearer|digest|token)\s+)?[^\s\"',;]+",
    r"\b[Bb](?:asic|earer)\s+[A-Za-z0-9._~+/-]{16,}=*",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    (
        r"(?i)(?:\b|_)(?:passwd|password|passphrase|pwd|secret|token|(?:api|access|account|shared[._-]?access|private|secret)"
        r"[._-]?key|(?:j?session|phpsess)[_-]?id)[\"']?\s*[:=]\s*[\"']?[^\s\"',;&}]+"
    ),
    r"://[^/\s:@]+:[^/\s@]+@",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
)

_FORGES = (
    r"gh[oprsu]_[A-Za-z0-9]{36,}",
    r"github_pat_[A-Za-z0-9_]{22,}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|oas|soat|imt|agent|ffct|wt)-[A-Za-z0-9_.-]{20,}",
    r"AT(?:BB|ATT3|CTT3)[A-Za-z0-9_=+/-]{20,}",
    r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[A-Za-z0-9_-]{50,}",
    r"rubygems_[a-f0-9]{48}",
    r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}",
)

_CLOUDS = (
    r"\bA(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}\b",
    r"IQoJb3JpZ2lu[A-Za-z0-9+/=]{20,}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"GOCSPX-[A-Za-z0-9_-]{20,}",
    r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}",
    r"[?&]sig=[A-Za-z0-9%+/=_-]{20,}",
    r"do[oprt]_v1_[a-f0-9]{64}",
    r"\bLTAI[A-Za-z0-9]{16,24}\b",
    r"\bAKID[A-Za-z0-9]{32}\b",
    r"hv[bsr]\.[A-Za-z0-9_-]{24,}",
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}",
    r"dapi[a-f0-9]{32}",
)

_PROGRAMS = (
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"whsec_[A-Za-z0-9+/=]{24,}",
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    r"\bsk-[A-Za-z0-9_-]{32,}",
    r"gl(?:sa|c)_[A-Za-z0-9_+/=]{32,}",
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"xapp-[A-Za-z0-9-]{20,}",
    r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b",
)

_WEBHOOKS = (
    r"hooks\.slack\.com/(?:services|workflows|triggers)/[^\s\"'<>]+",
    r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/[^\s\"'<>]+",
    r"(?:[a-z0-9-]+\.webhook\.office|outlook\.office)\.com/webhook[^\s\"'<>]+",
    r"[a-z0-9.-]+\.(?:logic\.azure|api\.powerplatform)\.com(?::443)?/[^\s\"'<>]*workflows/[^\s\"'<>]+",
    r"chat\.googleapis\.com/v1/spaces/[^\s\"'<>]+",
    r"api\.telegram\.org/bot[^\s\"'<>]+",
    r"/hooks/[a-z0-9]{26}\b",
    r"hooks\.zapier\.com/hooks/catch/[^\s\"'<>]+",
)

# Card numbers begin with an issuer's digits and have its length, so that times in nanoseconds and most ids are none.
_CARDS = (
    r"\b(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6(?:011|4[4-9]\d|5\d\d))(?:[ -]?\d{4}){3}\b",
    r"\b3[47]\d\d[ -]?\d{6}[ -]?\d{5}\b",
)

# The account's part of an IBAN by country, from SWIFT's registry: so many digits (n), letters (a), either (c).
_ACCOUNTS = {
    "AD": "8n12c", "AE": "19n", "AT": "16n", "BE": "12n", "BG": "4a6n8c", "CH": "5n12c", "CY": "8n16c", "CZ": "20n",
    "DE": "18n", "DK": "14n", "EE": "16n", "ES": "20n", "FI": "14n", "FO": "14n", "FR": "10n11c2n", "GB": "4a14n",
    "GI": "4a15c", "GL": "14n", "GR": "7n16c", "HR": "17n", "HU": "24n", "IE": "4a14n", "IL": "19n", "IS": "22n",
    "IT": "1a10n12c", "LI": "5n12c", "LT": "16n", "LU": "3n13c", "LV": "4a13c", "MC": "10n11c2n", "MT": "4a5n18c",
    "NL": "4a10n", "NO": "11n", "PL": "24n", "PT": "21n", "QA": "4a21c", "RO": "4a16c", "RS": "18n", "SA": "2n18c",
    "SE": "20n", "SI": "15n", "SK": "20n", "SM": "1a10n12c", "TR": "6n16c", "UA": "6n19c",
}  # fmt: skip
_CLASSES = {"n": r"\d", "a": "[A-Z]", "c": "[A-Z0-9]"}


def _iban(country: str, account: str) -> str:
    """The pattern of one country's IBANs, written in one piece or in groups of four."""
    kinds = "nn" + "".join(kind * int(number) for number, kind in re.findall(r"(\d+)([nac])", account))
    parts = [*country, *(_CLASSES[kind] for kind in kinds)]
    groups = ["".join(_counted(parts[start : start + 4])) for start in range(0, len(parts), 4)]
    return " ?".join(groups)


def _counted(parts: list[str]) -> list[str]:
    same = len(parts) > 1 and len(set(parts)) == 1
    return [f"{parts[0]}{{{len(parts)}}}"] if same else parts


_ACCOUNT_NUMBERS = (rf"\b(?:{'|'.join(_iban(*one) for one in _ACCOUNTS.items())})\b",)

# National ids that can be told from other numbers by their shape; all others by the word before them.
_NATIONAL_IDS = (
    r"\b(?:00[1-9]|0[1-9]\d|[1-57-8]\d\d|6(?:[0-57-9]\d|6[0-57-9]))-(?:0[1-9]|[1-9]\d)-\d{4}\b",
    r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]\b",
    r"\b[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]\b",
    r"\b[12] \d\d (?:0[1-9]|1[0-2]) (?:\d\d|2[AB]) \d{3} \d{3} \d\d\b",
    r"\b\d{3}\.\d{3}\.\d{3}-\d\d\b",
    r"\b756\.\d{4}\.\d{4}\.\d\d\b",
    r"\b\d\d\.(?:0[1-9]|1[0-2])\.\d\d-\d{3}\.\d\d\b",
    (
        r"(?i)\b(?:ssn|social security(?: number| no\.?)?|national id(?: number| no\.?)?|nino|nif|dni|cpf|pesel|bsn|"
        r"personnummer|aadhaar|codice fiscale|passport(?: number| no\.?)?)[\"']?(?:\s*[:=#]\s*|\s+)[\"']?"
        r"[A-Z]{0,3}\d[A-Z0-9]*(?:[ ./-]?[A-Z0-9]*\d[A-Z0-9]*){0,4}\b"
    ),
)

_MAIL = (r"(?i)\b[a-z0-9._%+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}\b",)

# What holds others comes first: an address with a token in it is masked whole.
VALUES = (
    *_WEBHOOKS,
    *_HTTP,
    *_FORGES,
    *_CLOUDS,
    *_PROGRAMS,
    *_CARDS,
    *_ACCOUNT_NUMBERS,
    *_NATIONAL_IDS,
    *_MAIL,
)
