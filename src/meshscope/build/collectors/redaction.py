"""What is masked before anything is counted, sampled or stored."""

from __future__ import annotations

from collections.abc import Mapping

from meshscope.build.collectors.masked import HARMLESS_KEYS, KEYS, VALUES
from meshscope.build.collectors.site import Settings
from meshscope.model.pipelines_receive import Signal
from meshscope.model.pipelines_steps import Redact

# What telemetry says outside its attributes and bodies, by OTTL's context. What links of spans say is out of reach: no
# path of OTTL leads into a link (contexts/internal/ctxspan of contrib 0.155.0), and the redaction processor passes
# links over (processor.go, up to 0.165.0).
_TEXTS: Mapping[Signal, Mapping[str, tuple[str, ...]]] = {
    Signal.TRACES: {"span": ("span.name", "span.status.message"), "spanevent": ("spanevent.name",)},
    Signal.LOGS: {"log": ("log.event_name",)},
}
_STATEMENTS = {Signal.TRACES: "trace_statements", Signal.LOGS: "log_statements"}
# No attribute of anybody else begins like this.
_PREFIX = "meshscope."


def redaction(redact: Redact) -> Settings:
    """The redaction processor: attributes and log bodies."""
    return {
        "allow_all_keys": True,
        # Headers are lists of texts, and some log a card number as a number.
        "redact_all_types": True,
        "ignored_key_patterns": [_unexpanded(key) for key in HARMLESS_KEYS],
        "blocked_key_patterns": [_unexpanded(key) for key in (*KEYS, *redact.keys)],
        "blocked_values": [_unexpanded(value) for value in (*VALUES, *redact.values)],
        # Which attributes were masked is itself a hint to whoever reads them.
        "summary": "silent",
    }


def shown(signal: Signal) -> Settings:
    """A transform that shows the redaction processor, which reads attributes only, what else there is to read."""
    return {
        "error_mode": "ignore",
        _STATEMENTS[signal]: [
            {
                "context": context,
                "statements": [f'set({_attribute(context, text)}, {text}) where {text} != ""' for text in texts],
            }
            for context, texts in _TEXTS[signal].items()
        ],
    }


def taken_back(signal: Signal) -> Settings:
    """A transform that puts what is left of it where it belongs."""
    return {
        "error_mode": "ignore",
        _STATEMENTS[signal]: [
            {
                "context": context,
                "statements": [
                    *(
                        f"set({text}, {_attribute(context, text)}) where {_attribute(context, text)} != nil"
                        for text in texts
                    ),
                    *(f'delete_key({context}.attributes, "{_PREFIX}{text}")' for text in texts),
                ],
            }
            for context, texts in _TEXTS[signal].items()
        ],
    }


def _attribute(context: str, text: str) -> str:
    return f'{context}.attributes["{_PREFIX}{text}"]'


def _unexpanded(pattern: str) -> str:
    # The collector takes a dollar for the beginning of a variable.
    return pattern.replace("$", "$$")
