"""Settings of the receiver file_log: which files, and what the operators make of each line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recipes.settings import BYTES, COUNT, DURATION, FLAG, NUMBER, POSITIVE, TEXT, TEXTS, Check, Struct
from recipes.shape import Schema, choice, exactly_one, listing, mapping, strict, union, when

_INCLUDED = (
    "include_file_name",
    "include_file_name_resolved",
    "include_file_owner_group_name",
    "include_file_owner_name",
    "include_file_path",
    "include_file_path_resolved",
    "include_file_permissions",
)


def make(check: Check) -> Schema:
    """Return the schema of the receiver's settings."""
    sort = strict(
        {
            "ascending": FLAG,
            "layout": TEXT,
            "location": TEXT,
            "regex_key": TEXT,
            "sort_type": choice("alphabetical", "mtime", "numeric", "timestamp"),
        },
        required=("sort_type",),
    )
    ordering = strict({"group_by": TEXT, "regex": TEXT, "sort_by": listing(sort), "top_n": COUNT})
    multiline = strict({"line_end_pattern": TEXT, "line_start_pattern": TEXT, "omit_pattern": FLAG})
    retry = strict(
        {
            "enabled": FLAG,
            "initial_interval": DURATION,
            "max_elapsed_time": DURATION,
            "max_interval": DURATION,
        }
    )
    operators = listing(_operator(check))
    header = strict({"metadata_operators": operators, "pattern": TEXT}, required=("metadata_operators", "pattern"))
    matcher = "fileconsumer/matcher/matcher.go"
    check("multiline", multiline, Struct("stanza", "split/split.go"))
    check("ordering_criteria", ordering, Struct("stanza", matcher, "OrderingCriteria"))
    check("sort_by", sort, Struct("stanza", matcher, "Sort"))
    check("header", header, Struct("stanza", "fileconsumer/config.go", "HeaderConfig"))
    check("retry_on_failure", retry, Struct("coreinternal", "consumerretry/config.go"))
    whole = strict(
        {
            **dict.fromkeys(_INCLUDED, FLAG),
            "acquire_fs_lock": FLAG,
            "attributes": mapping(TEXT),
            "compression": choice("", "auto", "gzip"),
            "delete_after_read": FLAG,
            "encoding": TEXT,
            "exclude": TEXTS,
            "exclude_older_than": DURATION,
            "file_cache_advise": FLAG,
            "fingerprint_size": {**BYTES, "minimum": 16},
            "force_flush_period": DURATION,
            "header": header,
            "include": listing(TEXT, at_least=1),
            "include_file_record_number": FLAG,
            "include_file_record_offset": FLAG,
            "initial_buffer_size": BYTES,
            "max_batches": COUNT,
            "max_concurrent_files": POSITIVE,
            "max_log_size": BYTES,
            "max_log_size_behavior": choice("split", "truncate"),
            "multiline": {
                **multiline,
                **exactly_one("line_end_pattern", "line_start_pattern"),
            },
            "on_truncate": choice("ignore", "read_new", "read_whole_file"),
            "operators": operators,
            "ordering_criteria": ordering,
            "poll_interval": DURATION,
            "polls_to_archive": COUNT,
            "preserve_leading_whitespaces": FLAG,
            "preserve_trailing_whitespaces": FLAG,
            "resource": mapping(TEXT),
            "retry_on_failure": retry,
            "start_at": choice("beginning", "end"),
            "storage": TEXT,
        },
        required=("include",),
    )
    check(
        "file_log",
        whole,
        Struct("stanza", "fileconsumer/config.go"),
        Struct("stanza", matcher, "Criteria"),
        Struct("stanza", "fileconsumer/attrs/attrs.go", "Resolver"),
        Struct("stanza", "trim/trim.go"),
        Struct("stanza", "operator/helper/attributer.go", "AttributerConfig"),
        Struct("stanza", "operator/helper/identifier.go", "IdentifierConfig"),
        Struct("stanza", "adapter/config.go", "BaseConfig"),
    )
    # Both need a file from its beginning, and the default is its end.
    beginning = {"required": ["start_at"], "properties": {"start_at": {"const": "beginning"}}}
    needs = [
        when({"delete_after_read": True}, beginning),
        {"if": {"required": ["header"]}, "then": beginning},
    ]
    return {**whole, "allOf": needs}


# A place in a log entry. Attributes and the resource as a whole are a place only where something is put or removed.
_FIELD: Schema = {"type": "string", "pattern": r"^(body|(attributes|resource|body)[.\[].+)$"}
_ROOTABLE: Schema = {"type": "string", "pattern": r"^(attributes|resource|body)([.\[].+)?$"}
_EXPRESSION: Schema = {"type": "string", "minLength": 1}

_BASIC: dict[str, Schema] = {"id": TEXT, "type": TEXT}
_WRITER: dict[str, Schema] = {**_BASIC, "output": {"type": ["string", "array"], "items": TEXT}}
_TRANSFORMER: dict[str, Schema] = {
    **_WRITER,
    "if": _EXPRESSION,
    "on_error": choice("drop", "drop_quiet", "send", "send_quiet"),
}
_TIME: dict[str, Schema] = {
    "layout": TEXT,
    "layout_type": choice("epoch", "gotime", "strptime"),
    "location": TEXT,
    "parse_from": _FIELD,
    "time_zone_locations": mapping(TEXT),
}
_EPOCH = when(
    {"layout_type": "epoch"}, {"properties": {"layout": choice("ms", "ns", "s", "s.ms", "s.ns", "s.us", "us")}}
)
# The collector takes an unknown level for `default`, and says nothing.
_LEVELS = {"propertyNames": {"pattern": "^(default|(trace|debug|info|warn|error|fatal)[2-4]?)$"}}
_SEVERITY: dict[str, Schema] = {
    "mapping": {"type": "object", **_LEVELS},
    "overwrite_text": FLAG,
    "parse_from": _FIELD,
    "preset": choice("aliases", "default", "none", "otel"),
}
_PARSED_FROM = strict({"parse_from": _FIELD})
_TRACE: dict[str, Schema] = {"span_id": _PARSED_FROM, "trace_flags": _PARSED_FROM, "trace_id": _PARSED_FROM}
_PARSER: dict[str, Schema] = {
    **_TRANSFORMER,
    "body": _FIELD,
    "parse_from": _FIELD,
    "parse_to": _ROOTABLE,
    "scope_name": _PARSED_FROM,
    "severity": strict(_SEVERITY, required=("parse_from",)),
    "timestamp": {**strict(_TIME, required=("layout", "parse_from")), "allOf": [_EPOCH]},
    "trace": strict(_TRACE),
}

_HELPER = "operator/helper/{}.go"
_BASIC_STRUCTS = (Struct("stanza", _HELPER.format("operator"), "BasicConfig"),)
_WRITER_STRUCTS = (*_BASIC_STRUCTS, Struct("stanza", _HELPER.format("writer"), "WriterConfig"))
_TRANSFORMER_STRUCTS = (*_WRITER_STRUCTS, Struct("stanza", _HELPER.format("transformer"), "TransformerConfig"))
_PARSER_STRUCTS = (*_TRANSFORMER_STRUCTS, Struct("stanza", _HELPER.format("parser"), "ParserConfig"))
_SEVERITY_STRUCT = Struct("stanza", _HELPER.format("severity_builder"), "SeverityConfig")
_TIME_STRUCT = Struct("stanza", _HELPER.format("time"), "TimeParser")
_TRACE_STRUCT = Struct("stanza", _HELPER.format("trace"), "TraceParser")
_SCOPE_STRUCT = Struct("stanza", _HELPER.format("scope_name"), "ScopeNameParser")


@dataclass(frozen=True)
class _Kind:
    """A type of operator: its own keys beside those of its base, which of them it needs, and where its source is."""

    file: str
    own: Mapping[str, Schema]
    required: tuple[str, ...] = ()
    rule: Mapping[str, object] = field(default_factory=dict)
    taken_in: tuple[Struct, ...] = ()


_PARSERS = {
    "container": _Kind(
        "container/config",
        {
            "add_metadata_from_filepath": FLAG,
            "format": choice("containerd", "crio", "docker"),
            "max_log_size": BYTES,
        },
    ),
    "csv_parser": _Kind(
        "csv/config",
        {
            **dict.fromkeys(("delimiter", "header", "header_attribute", "header_delimiter"), TEXT),
            "ignore_quotes": FLAG,
            "lazy_quotes": FLAG,
        },
        rule={"anyOf": [{"required": ["header"]}, {"required": ["header_attribute"]}]},
    ),
    "json_array_parser": _Kind("jsonarray/config", {"header": TEXT}),
    "json_parser": _Kind("jsonparser/config", {"parse_ints": FLAG}),
    "key_value_parser": _Kind("keyvalue/config", {"delimiter": TEXT, "pair_delimiter": TEXT}),
    "regex_parser": _Kind("regex/config", {"cache": strict({"size": COUNT}), "regex": _EXPRESSION}, ("regex",)),
    "syslog_parser": _Kind(
        "syslog/config",
        {
            "allow_skip_pri_header": FLAG,
            "enable_octet_counting": FLAG,
            "location": TEXT,
            "max_octets": COUNT,
            "non_transparent_framing_trailer": choice("LF", "NUL"),
            "protocol": choice("none", "rfc3164", "rfc5424"),
        },
        ("protocol",),
        taken_in=(Struct("stanza", "operator/parser/syslog/config.go", "BaseConfig"),),
    ),
    "uri_parser": _Kind("uri/config", {}),
}
_TRANSFORMERS = {
    "add": _Kind("transformer/add/config", {"field": _ROOTABLE, "value": {}}, ("field", "value")),
    "assign_keys": _Kind("transformer/assignkeys/config", {"field": _FIELD, "keys": TEXTS}, ("field", "keys")),
    "copy": _Kind("transformer/copy/config", {"from": _FIELD, "to": _FIELD}, ("from", "to")),
    "filter": _Kind(
        "transformer/filter/config",
        {"drop_ratio": {**NUMBER, "minimum": 0, "maximum": 1}, "expr": _EXPRESSION},
        ("expr",),
    ),
    "flatten": _Kind("transformer/flatten/config", {"field": _FIELD}, ("field",)),
    "move": _Kind("transformer/move/config", {"from": _FIELD, "to": _FIELD}, ("from", "to")),
    "noop": _Kind("transformer/noop/config", {}),
    "recombine": _Kind(
        "transformer/recombine/config",
        {
            "combine_field": _FIELD,
            "combine_with": TEXT,
            "force_flush_period": DURATION,
            "is_first_entry": _EXPRESSION,
            "is_last_entry": _EXPRESSION,
            "max_batch_size": COUNT,
            "max_log_size": {**BYTES, "minimum": 0},
            "max_sources": POSITIVE,
            "max_unmatched_batch_size": COUNT,
            "overwrite_with": choice("newest", "oldest"),
            "source_identifier": _FIELD,
        },
        ("combine_field",),
        exactly_one("is_first_entry", "is_last_entry"),
    ),
    "regex_replace": _Kind(
        "transformer/regexreplace/config",
        {"field": _FIELD, "regex": _EXPRESSION, "regex_name": TEXT, "replace_with": TEXT},
        ("field",),
        exactly_one("regex", "regex_name"),
    ),
    "remove": _Kind("transformer/remove/config", {"field": _ROOTABLE}, ("field",)),
    "retain": _Kind("transformer/retain/config", {"fields": listing(_FIELD, at_least=1)}, ("fields",)),
    "sanitize_utf8": _Kind("transformer/sanitizeutf8/transformer", {"field": _FIELD}),
    "scope_name_parser": _Kind("parser/scope/config", {"parse_from": _FIELD}, (), taken_in=(_SCOPE_STRUCT,)),
    "severity_parser": _Kind("parser/severity/config", _SEVERITY, ("parse_from",), taken_in=(_SEVERITY_STRUCT,)),
    "time_parser": _Kind(
        "parser/timeparser/config", _TIME, ("layout", "parse_from"), {"allOf": [_EPOCH]}, (_TIME_STRUCT,)
    ),
    "trace_parser": _Kind("parser/trace/config", _TRACE, (), taken_in=(_TRACE_STRUCT,)),
    "unquote": _Kind("transformer/unquote/config", {"field": _FIELD}, ("field",)),
}


def _operator(check: Check) -> Schema:
    """Return the schema of one operator, chosen by its type."""
    check("severity", strict(_SEVERITY), _SEVERITY_STRUCT)
    check("timestamp", strict(_TIME), _TIME_STRUCT)
    check("trace", strict(_TRACE), _TRACE_STRUCT)
    kinds = {name: _kind(check, name, kind, _PARSER, _PARSER_STRUCTS, "parser/") for name, kind in _PARSERS.items()}
    kinds |= {
        name: _kind(check, name, kind, _TRANSFORMER, _TRANSFORMER_STRUCTS) for name, kind in _TRANSFORMERS.items()
    }
    router = "operator/transformer/router/config.go"
    attributer = Struct("stanza", _HELPER.format("attributer"), "AttributerConfig")
    route = strict(
        {"attributes": mapping(TEXT), "expr": _EXPRESSION, "output": _WRITER["output"]}, required=("expr", "output")
    )
    check("a route of router", route, Struct("stanza", router, "RouteConfig"), attributer)
    kinds["router"] = strict(
        {**_BASIC, "default": _WRITER["output"], "routes": listing(route, at_least=1)}, required=("routes",)
    )
    check("router", kinds["router"], *_BASIC_STRUCTS, Struct("stanza", router))
    return union("type", kinds)


def _kind(
    check: Check, name: str, kind: _Kind, base: Mapping[str, Schema], structs: tuple[Struct, ...], under: str = ""
) -> Schema:
    schema = strict({**base, **kind.own}, required=kind.required)
    own = Struct("stanza", f"operator/{under}{kind.file}.go")
    check(name, schema, *structs, own, *kind.taken_in)
    return {**schema, **kind.rule}
