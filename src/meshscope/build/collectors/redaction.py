"""What is masked before anything is counted, sampled or stored."""

from __future__ import annotations

from meshscope.build.collectors.site import Settings
from meshscope.model.pipelines_steps import Redact

# What a span says outside its attributes.
_TEXTS = ("span.name", "span.status.message")

# Attributes whose whole value is masked. A word stands alone or between dots, dashes and underscores, so that
# `gen_ai.usage.input_tokens` is not taken for a token.
_KEYS = (
    r"(?i)(?:^|[._-])(?:authorization|cookie|set-cookie|passwd|password|pwd|secret|token|credentials?)(?:[._-]|\z)",
    r"(?i)(?:api|access|client|private|secret|session)[._-]?(?:key|token|secret|id_token)",
)

# Text that is masked wherever it stands. Card numbers begin with an issuer's digits and have its length, so that times
# in nanoseconds and most ids are none.
_VALUES = (
    r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?(?:[a-z]+\s+)?[^\s\"',;]+",
    r"\b[Bb](?:asic|earer)\s+[A-Za-z0-9._~+/-]{16,}=*",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"(?i)\b(?:passwd|password|pwd|secret|token|api[._-]?key|access[._-]?key)[\"']?\s*[:=]\s*[\"']?[^\s\"',;&}]+",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
    r"://[^/\s:@]+:[^/\s@]+@",
    r"\b(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6(?:011|4[4-9]\d|5\d\d))(?:[ -]?\d{4}){3}\b",
    r"\b3[47]\d\d[ -]?\d{6}[ -]?\d{5}\b",
    r"(?i)\b[a-z0-9._%+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}\b",
)


def redaction(redact: Redact) -> Settings:
    """The redaction processor: attributes and log bodies."""
    return {
        "allow_all_keys": True,
        # Headers are lists of texts, and some log a card number as a number.
        "redact_all_types": True,
        "blocked_key_patterns": [_unexpanded(key) for key in (*_KEYS, *redact.keys)],
        "blocked_values": [_unexpanded(value) for value in (*_VALUES, *redact.values)],
        # Which attributes were masked is itself a hint to whoever reads them.
        "summary": "silent",
    }


def shown() -> Settings:
    """A transform that shows the redaction processor, which reads attributes only, what a span says elsewhere."""
    return _on_spans([f'set({_attribute(text)}, {text}) where {text} != ""' for text in _TEXTS])


def taken_back() -> Settings:
    """A transform that puts what is left of it where it belongs."""
    put = [f"set({text}, {_attribute(text)}) where {_attribute(text)} != nil" for text in _TEXTS]
    return _on_spans([*put, *(f'delete_key(span.attributes, "{text}")' for text in _TEXTS)])


def _on_spans(statements: list[str]) -> Settings:
    return {"error_mode": "ignore", "trace_statements": [{"context": "span", "statements": statements}]}


def _attribute(text: str) -> str:
    return f'span.attributes["{text}"]'


def _unexpanded(pattern: str) -> str:
    # The collector takes a dollar for the beginning of a variable.
    return pattern.replace("$", "$$")
