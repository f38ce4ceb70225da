"""Custom resources: strict schemas from the definitions that an API server would judge by, and one of our own.

An API server removes what a definition doesn't name and says nothing. Here an object with named properties refuses
the others. What only the server or an operator's own code judges, stands in ORIGINS.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from recipes import opentelemetry, shape
from recipes.shape import Schema, listing, mapping, strict, when
from recipes.sources import Failure, Sources


@dataclass(frozen=True)
class Resource:
    """A kind of custom resource that we write, and where its definition lies."""

    kind: str
    group: str
    version: str
    module: str = ""
    file: str = ""

    @property
    def api_version(self) -> str:
        """The value of `apiVersion`."""
        return f"{self.group}/{self.version}"

    @property
    def name(self) -> str:
        """The name of the schema's file."""
        return f"crd-{self.kind.lower()}-{self.version}.json"


_OPERATOR = ("monitoring.coreos.com", "prometheus-operator", "example/prometheus-operator-crd/monitoring.coreos.com_{}")


def _monitoring(kind: str, version: str) -> Resource:
    group, module, file = _OPERATOR
    return Resource(kind, group, version, module, file.format(f"{kind.lower()}s.yaml"))


RESOURCES = (
    _monitoring("AlertmanagerConfig", "v1alpha1"),
    _monitoring("PodMonitor", "v1"),
    _monitoring("PrometheusRule", "v1"),
    _monitoring("ScrapeConfig", "v1alpha1"),
    _monitoring("ServiceMonitor", "v1"),
    Resource("Telemetry", "telemetry.istio.io", "v1", "istio", "kubernetes/customresourcedefinitions.gen.yaml"),
)
COLLECTOR = Resource("OpenTelemetryCollector", "opentelemetry.io", "v1beta1")

_LABEL_PART = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_DURATION = "^" + "".join(f"([0-9]+{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")) + "$"
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

# An object's own data as a generator writes it; the rest is the server's. Ours: a definition says `type: object`.
_METADATA = strict(
    {
        "annotations": mapping({"type": "string"}),
        "finalizers": listing({"type": "string"}),
        "labels": {
            "type": "object",
            "propertyNames": {"pattern": rf"^({_DNS_LABEL}(\.{_DNS_LABEL})*/)?{_LABEL_PART}$"},
            "additionalProperties": {"type": "string", "pattern": rf"^({_LABEL_PART})?$"},
        },
        "name": {"type": "string", "maxLength": 253, "pattern": rf"^{_DNS_LABEL}(\.{_DNS_LABEL})*$"},
        "namespace": {"type": "string", "pattern": rf"^{_DNS_LABEL}$"},
        "ownerReferences": listing({"type": "object"}),
    },
    required=("name",),
)

# What a definition's schema may say, and what becomes of it. Anything else fails, so that a newer definition can't
# bring in a rule that is quietly lost.
_KEPT = frozenset(
    {
        "enum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "required",
        "type",
    }
)
_DROPPED = frozenset(
    {
        "default",
        "description",
        "format",
        "nullable",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    }
)
_NESTED = frozenset({"additionalProperties", "allOf", "anyOf", "items", "not", "oneOf", "properties"})


@dataclass(frozen=True)
class Judged:
    """What a rule in CEL means, and the schema that says the same; `short_of` is what the schema can't say of it."""

    means: str
    schema: Schema
    short_of: str = ""


# The rules in CEL of the definitions at hand. JSON schema has no such language, but each of these can be said in it.
CEL: Mapping[str, Judged] = {
    "(has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1": Judged(
        "at most one of selector, targetRef and targetRefs",
        {
            "dependencies": {
                "selector": {"properties": {"targetRef": False, "targetRefs": False}},
                "targetRef": {"properties": {"targetRefs": False}},
            }
        },
    ),
    '((has(self.operation) ? self.operation : "") == "UPSERT") ? (self.value != "") : true': Judged(
        "UPSERT needs a value that is not empty",
        when({"operation": "UPSERT"}, {"required": ["value"], "properties": {"value": {"minLength": 1}}}),
    ),
    '((has(self.operation) ? self.operation : "") == "REMOVE") ? !has(self.value) : true': Judged(
        "REMOVE must have no value", when({"operation": "REMOVE"}, {"properties": {"value": False}})
    ),
    "duration(self) >= duration('1ms')": Judged(
        "a duration of 1ms or more",
        {"pattern": r"^(?=.*[1-9])([0-9]+(\.[0-9]+)?(h|m|s|ms))+$"},
        "a fraction of 1ms passes; us and ns are refused",
    ),
    'self.all(key, !key.contains("*"))': Judged("no `*` in a key", {"propertyNames": {"pattern": r"^[^*]*$"}}),
    "self.all(key, key.size() != 0)": Judged("no empty key", {"propertyNames": {"minLength": 1}}),
    '!self.contains("*")': Judged("no `*` in a value", {"pattern": r"^[^*]*$"}),
    "self.size() == 0": Judged("must be empty", {"maxLength": 0}),
}


@dataclass
class Notes:
    """What is seen while the definitions are read, for ORIGINS.md: rules in CEL, and lists whose items have a key."""

    rules: list[tuple[str, str, str]] = field(default_factory=list)
    keyed: list[tuple[str, str, str]] = field(default_factory=list)


def make(sources: Sources, notes: Notes) -> dict[str, Schema]:
    """Return the schemas by file name, and fill in the notes."""
    made = {each.name: _resource(each, _definition(each, sources), notes) for each in RESOURCES}
    _fit_alertmanager(made["crd-alertmanagerconfig-v1alpha1.json"])
    made = {name: _fit_relabelling(schema) for name, schema in made.items()}
    made[COLLECTOR.name] = _whole(COLLECTOR, opentelemetry.spec())
    return {name: shape.share(shape.plain(schema)) for name, schema in made.items()}


def _definition(resource: Resource, sources: Sources) -> Schema:
    for document in sources.yaml(sources.module(resource.module) / resource.file):
        if document["spec"]["names"]["kind"] != resource.kind or document["spec"]["group"] != resource.group:
            continue
        for version in document["spec"]["versions"]:
            if version["name"] == resource.version:
                schema: Schema = version["schema"]["openAPIV3Schema"]
                return schema
    raise Failure(
        f"{resource.file} defines no {resource.kind} {resource.api_version}",
        "the pinned version of the module is not one that this recipe knows",
        "look at engines/schemas/versions.toml and at RESOURCES in engines/schemas/recipes/kubernetes.py",
    )


def _resource(resource: Resource, definition: Schema, notes: Notes) -> Schema:
    spec = _Reader(resource, notes).read(definition["properties"]["spec"], "spec")
    return _whole(resource, spec)


def _whole(resource: Resource, spec: Schema) -> Schema:
    """Return the schema of a whole object. It has no status: that is for the cluster to write."""
    properties = {
        "apiVersion": {"const": resource.api_version},
        "kind": {"const": resource.kind},
        "metadata": _METADATA,
        "spec": spec,
    }
    return {"$schema": shape.DRAFT, **strict(properties, required=properties)}


@dataclass(frozen=True)
class _Reader:
    """Turns the structural schema of one definition into a strict JSON schema."""

    resource: Resource
    notes: Notes

    def read(self, given: Schema, path: str, *, whole: bool = True) -> Schema:
        """Return the schema at `path`; `whole` is False within allOf, anyOf, oneOf and not, which add to another."""
        strange = given.keys() - _KEPT - _DROPPED - _NESTED
        if strange:
            raise Failure(
                f"{self.resource.kind} {path} says {', '.join(sorted(strange))}",
                "this recipe doesn't know what that means",
                "teach engines/schemas/recipes/kubernetes.py, so that the rule isn't lost",
            )
        self._note(given, path)
        made: Schema = {key: given[key] for key in sorted(_KEPT & given.keys())}
        if given.get("x-kubernetes-int-or-string"):
            return {**made, "type": ["integer", "string"]}
        if "pattern" in made:
            made["pattern"] = _in_python(made["pattern"])
        self._nest(given, made, path, whole=whole)
        if given.get("nullable"):
            made["type"] = [made["type"], "null"]
        if given.get("x-kubernetes-list-type") == "set":
            made["uniqueItems"] = True
        rules = [CEL[rule["rule"]].schema for rule in given.get("x-kubernetes-validations", ())]
        return {**made, "allOf": [*made.get("allOf", ()), *rules]} if rules else made

    def _nest(self, given: Schema, made: Schema, path: str, *, whole: bool) -> None:
        for key in ("allOf", "anyOf", "oneOf"):
            if key in given:
                made[key] = [self.read(each, path, whole=False) for each in given[key]]
        if "not" in given:
            made["not"] = self.read(given["not"], path, whole=False)
        if "items" in given:
            made["items"] = self.read(given["items"], f"{path}[]", whole=whole)
        if isinstance(given.get("additionalProperties"), dict):
            made["additionalProperties"] = self.read(given["additionalProperties"], f"{path}{{}}", whole=whole)
        if "properties" in given:
            inner = given["properties"]
            made["properties"] = {name: self.read(inner[name], f"{path}.{name}", whole=whole) for name in sorted(inner)}
            # The server fills in the default before it asks whether a required key is there.
            filled = {name for name in inner if "default" in inner[name]}
            missing = [name for name in made.pop("required", ()) if name not in filled]
            if missing:
                made["required"] = missing
        if whole and given.get("type") == "object" and not self._open(given):
            made["additionalProperties"] = False

    @staticmethod
    def _open(given: Schema) -> bool:
        return "additionalProperties" in given or bool(given.get("x-kubernetes-preserve-unknown-fields"))

    def _note(self, given: Schema, path: str) -> None:
        for rule in given.get("x-kubernetes-validations", ()):
            if rule["rule"] not in CEL:
                raise Failure(
                    f"{self.resource.kind} {path} has a rule in CEL that is not known: {rule['rule']}",
                    rule.get("message", ""),
                    "say the same as a schema, in CEL in engines/schemas/recipes/kubernetes.py",
                )
            self.notes.rules.append((self.resource.kind, path, rule["rule"]))
        if given.get("x-kubernetes-list-type") == "map":
            keys = ", ".join(given["x-kubernetes-list-map-keys"])
            self.notes.keyed.append((self.resource.kind, path, keys))


def _in_python(pattern: str) -> str:
    """Return a pattern written for Go as Python reads it: there `(?i)` holds for a group, here for the whole only."""
    made = "(?i)" + pattern.replace("(?i)", "") if "(?i)" in pattern else pattern
    re.compile(made)
    return made


def _fit_alertmanager(whole: Schema) -> None:
    """Say in an AlertmanagerConfig's schema what the operator checks in its own code, as far as a schema can.

    What the operator refuses, it leaves out of Alertmanager's configuration, and tells only its log.
    """
    spec: dict[str, Schema] = whole["properties"]["spec"]["properties"]
    route = spec["route"]
    for name in ("groupInterval", "groupWait", "repeatInterval"):
        route["properties"][name] = {"type": "string", "pattern": _DURATION}
    # `...` means all labels, and is refused beside others.
    alone = {"if": {"contains": {"const": "..."}}, "then": {"maxItems": 1}}
    route["properties"]["groupBy"] = {**route["properties"]["groupBy"], "uniqueItems": True, **alone}
    # The definition leaves nested routes open, for it can't refer to itself; the operator reads them as routes.
    again = {"$ref": "#/definitions/Route"}
    route["properties"]["routes"] = listing(again)
    whole["definitions"] = {"Route": route}
    spec["route"] = {"allOf": [again, {"required": ["receiver"], "properties": {"receiver": {"minLength": 1}}}]}
    hook = spec["receivers"]["items"]["properties"]["webhookConfigs"]["items"]
    hook["anyOf"] = [{"required": ["url"]}, {"required": ["urlSecret"]}]


def _fit_relabelling(schema: Schema) -> Schema:
    """Return the schema with the operator's checks of relabelling: one bad step, and it drops the whole monitor."""
    made = shape.rebuild(schema, lambda _, inner: _fit_relabelling(inner))
    if not {"action", "modulus", "sourceLabels", "targetLabel"} <= made.get("properties", {}).keys():
        return made
    actions: list[str] = made["properties"]["action"]["enum"]

    def one_of(*names: str) -> Schema:
        return {"required": ["action"], "properties": {"action": {"enum": [a for a in actions if a.lower() in names]}}}

    named = {"targetLabel": {"minLength": 1}}
    only_regex = dict.fromkeys(("modulus", "replacement", "separator", "sourceLabels", "targetLabel"), False)
    rules = [
        # Without an action a step replaces.
        {
            "if": {"not": one_of("drop", "keep", "labeldrop", "labelkeep", "labelmap")},
            "then": {"required": ["targetLabel"], "properties": named},
        },
        {
            "if": one_of("hashmod"),
            "then": {"required": ["modulus"], "properties": {"modulus": {"minimum": 1}}},
        },
        {"if": one_of("labeldrop", "labelkeep"), "then": {"properties": only_regex}},
    ]
    return {**made, "allOf": [*made.get("allOf", ()), *rules]}
