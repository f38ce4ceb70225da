"""Settings of collector components that no collector of ours is built with: schemas of our own.

Each follows the component's documentation and source. That none of the source's keys is forgotten, and none invented,
is checked while they are made: the keys of each object are compared with the `mapstructure` tags of the Go structs
that it stands for. That the collector means the same by a value, nobody has checked.

A configuration that a collector accepts can still be wrong: the operators of file_log are read with unknown keys
ignored. So this schema is of use beside a collector that has the receiver, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from recipes import file_log, shape
from recipes.settings import COUNT, DURATION, FLAG, FROM_ENVIRONMENT, LOOK, NUMBER, POSITIVE, TEXT, TEXTS, Check, Struct
from recipes.shape import Schema, choice, exactly_one, listing, strict, when
from recipes.sources import Failure, Sources

FILE_LOG = "otelcol-file_log.json"
HOST_METRICS = "otelcol-host_metrics.json"
KUBELET_STATS = "otelcol-kubelet_stats.json"
LOAD_BALANCING = "otelcol-load_balancing.json"


def make(sources: Sources) -> dict[str, Schema]:
    """Return the schemas by file name."""
    sources.say("settings of collector components")
    check = Check(sources)
    made = {
        FILE_LOG: file_log.make(check),
        HOST_METRICS: _host_metrics(check, sources),
        KUBELET_STATS: _kubelet_stats(check, sources),
        LOAD_BALANCING: _load_balancing(check),
    }
    return {name: shape.share(shape.plain({"$schema": shape.DRAFT, **schema})) for name, schema in made.items()}


# ---- host_metrics ----------------------------------------------------------------------------------------------------

_CONTROLLER: dict[str, Schema] = {"collection_interval": DURATION, "initial_delay": DURATION, "timeout": DURATION}
_CONTROLLER_STRUCT = Struct("scraperhelper", "internal/controller/generated_config.go", "ControllerConfig")


def _matching(check: Check, scraper: str, what: str, name: str = "MatchConfig") -> Schema:
    cache = strict({"cacheenabled": FLAG, "cachemaxnumentries": COUNT})
    schema = strict(
        {"match_type": choice("regexp", "strict"), "regexp": cache, what: TEXTS}, required=("match_type", what)
    )
    source = Struct("host-metrics", f"internal/scraper/{scraper}scraper/config.go", name)
    return check(f"{scraper}: {what}", schema, source, Struct("filter", "filterset/config.go"))


def _scrapers(check: Check) -> dict[str, dict[str, Schema]]:
    """Return each scraper's own keys, beside the metrics that it can be told to leave out."""
    devices = _matching(check, "filesystem", "devices", "DeviceMatchConfig")
    types = _matching(check, "filesystem", "fs_types", "FSTypeMatchConfig")
    mounts = _matching(check, "filesystem", "mount_points", "MountPointMatchConfig")
    processes = _matching(check, "process", "names")
    muted = ("all_errors", "cgroup_error", "exe_error", "io_error", "name_error", "user_error")
    disks = _matching(check, "disk", "devices")
    interfaces = _matching(check, "network", "interfaces")
    return {
        **{name: {} for name in ("cpu", "memory", "nfs", "paging", "processes", "system")},
        "disk": {"exclude": disks, "include": disks},
        "filesystem": {
            "exclude_devices": devices,
            "exclude_fs_types": types,
            "exclude_mount_points": mounts,
            "include_devices": devices,
            "include_fs_types": types,
            "include_mount_points": mounts,
            "include_virtual_filesystems": FLAG,
        },
        "load": {"cpu_average": FLAG},
        "network": {"exclude": interfaces, "include": interfaces},
        "process": {
            **{f"mute_process_{what}": FLAG for what in muted},
            "exclude": processes,
            "include": processes,
            "scrape_process_delay": DURATION,
        },
    }


def _host_metrics(check: Check, sources: Sources) -> Schema:
    scrapers = {}
    for name, own in _scrapers(check).items():
        folder = f"internal/scraper/{name}scraper"
        check(f"the scraper {name}", strict(own), Struct("host-metrics", f"{folder}/config.go"))
        scraper = strict({**own, **_produced(sources, "host-metrics", folder)})
        # A scraper without settings is written as a key with nothing after it.
        scrapers[name] = {**scraper, "type": ["object", "null"]}
    whole = strict(
        {
            **_CONTROLLER,
            "metadata_collection_interval": DURATION,
            "root_path": TEXT,
            "scrapers": {**strict(scrapers), "minProperties": 1},
        },
        required=("scrapers",),
    )
    # The receiver reads its scrapers by itself, so that they have no tag.
    return check("host_metrics", whole, Struct("host-metrics", "config.go"), _CONTROLLER_STRUCT, ours=("scrapers",))


def _produced(sources: Sources, module: str, folder: str) -> dict[str, Schema]:
    """Return the settings of each metric and resource attribute that a component produces, as its own metadata says."""
    file = sources.module(module) / folder / "internal/metadata/config.schema.yaml"
    definitions = sources.yaml(file)[0]["$defs"]
    parts = {"metrics": "metrics_config", "resource_attributes": "resource_attributes_config"}
    return {key: _settings(definitions[name]) for key, name in parts.items() if name in definitions}


def _settings(published: Schema) -> Schema:
    """Return a published part as a strict schema, without descriptions and defaults."""
    if "$ref" in published:
        if published["$ref"] != "go.opentelemetry.io/collector/filter.config":
            raise Failure(f"a component's metadata refers to {published['$ref']}", "this recipe doesn't know it", LOOK)
        return {**strict({"regexp": TEXT, "strict": TEXT}), **exactly_one("regexp", "strict")}
    if published["type"] == "object":
        return strict({name: _settings(inner) for name, inner in published["properties"].items()})
    if published["type"] == "array":
        return listing(_settings(published["items"]))
    if published["type"] == "boolean":
        return FLAG
    return {key: value for key, value in published.items() if key in {"enum", "type"}}


# ---- kubelet_stats ---------------------------------------------------------------------------------------------------


def _kubelet_stats(check: Check, sources: Sources) -> Schema:
    api: dict[str, Schema] = {
        "auth_type": choice("kubeConfig", "none", "serviceAccount", "tls"),
        "context": TEXT,
        "kube_api_burst": COUNT,
        "kube_api_qps": NUMBER,
    }
    api_struct = Struct("k8sconfig", "config.go", "APIConfig")
    produced = _produced(sources, "kubelet-stats", "")
    dialer = strict({"timeout": DURATION})
    interfaces = strict({"node": FLAG, "pod": FLAG})
    check("dialer", dialer, Struct("confignet", "confignet.go", "DialerConfig"))
    check("k8s_api_config", strict(api), api_struct)
    check(
        "collect_all_network_interfaces",
        interfaces,
        Struct("kubelet-stats", "config.go", "NetworkInterfacesEnablerConfig"),
    )
    whole = strict(
        {
            **api,
            **_CONTROLLER,
            **_tls(check),
            **produced,
            "collect_all_network_interfaces": interfaces,
            "dialer": dialer,
            "endpoint": TEXT,
            "extra_metadata_labels": {
                **listing(choice("container.id", "k8s.volume.type")),
                "uniqueItems": True,
            },
            "insecure_skip_verify": FLAG,
            "k8s_api_config": strict(api, required=("auth_type",)),
            "metric_groups": {**listing(choice("container", "node", "pod", "volume")), "uniqueItems": True},
            "node": {"type": "string", "minLength": 1},
        },
        required=("auth_type",),
    )
    check(
        "kubelet_stats",
        whole,
        Struct("kubelet-stats", "config.go"),
        Struct("kubelet", "client_config.go", "ClientConfig"),
        Struct("configtls", "configtls.go"),
        Struct("confignet", "confignet.go", "TCPAddrConfig"),
        api_struct,
        _CONTROLLER_STRUCT,
        ours=("metrics", "resource_attributes"),
    )
    files = {"required": ["ca_file", "cert_file", "key_file"]}
    return {**whole, "allOf": [when({"auth_type": "tls"}, files), *_of_the_node(produced)]}


def _of_the_node(produced: Mapping[str, Schema]) -> list[Schema]:
    """Return the rules that a ratio of the node's capacity needs the node's name, and a way to ask for its size."""
    ratios = sorted(name for name in produced["metrics"]["properties"] if name.endswith(".node.utilization"))
    needs = {"required": ["k8s_api_config", "node"]}
    rules = []
    for name in ratios:
        wanted = {"required": [name], "properties": {name: when({"enabled": True}, {})["if"]}}
        rules.append({"if": {"required": ["metrics"], "properties": {"metrics": wanted}}, "then": needs})
    return rules


def _tls(check: Check) -> dict[str, Schema]:
    """Return the keys of a client's TLS that clients and servers share."""
    version = choice("1.0", "1.1", "1.2", "1.3")
    tpm = strict({"auth": TEXT, "enabled": FLAG, "owner_auth": TEXT, "path": TEXT})
    keys: dict[str, Schema] = {
        **dict.fromkeys(("ca_file", "ca_pem", "cert_file", "cert_pem", "key_file", "key_pem"), TEXT),
        "cipher_suites": TEXTS,
        "curve_preferences": TEXTS,
        "include_insecure_cipher_suites": FLAG,
        "include_system_ca_certs_pool": FLAG,
        "max_version": version,
        "min_version": version,
        "reload_interval": DURATION,
        "tpm": tpm,
    }
    check("tpm", tpm, Struct("configtls", "tpm.go", "TPMConfig"))
    check("tls", strict(keys), Struct("configtls", "configtls.go"))
    return keys


# ---- load_balancing --------------------------------------------------------------------------------------------------

_TIMEOUT_STRUCT = Struct("exporterhelper", "internal/timeout_sender.go", "TimeoutConfig")


def _load_balancing(check: Check) -> Schema:
    whole = strict(
        {
            "protocol": strict({"otlp": _otlp(check)}, required=("otlp",)),
            "resolver": _resolver(check),
            "retry_on_failure": _retry(check),
            "routing_attributes": listing(TEXT, at_least=1),
            "routing_key": choice("attributes", "metric", "resource", "service", "streamID", "traceID"),
            "sending_queue": _queue(check),
            "timeout": DURATION,
        },
        required=("protocol", "resolver"),
    )
    check("load_balancing", whole, Struct("load-balancing", "config.go"), _TIMEOUT_STRUCT)
    by_attributes = {"properties": {"routing_key": {"const": "attributes"}}, "required": ["routing_key"]}
    rule = {
        "if": by_attributes,
        "then": {"required": ["routing_attributes"]},
        "else": {"properties": {"routing_attributes": False}},
    }
    return {**whole, "allOf": [rule]}


def _resolver(check: Check) -> Schema:
    looked_up: dict[str, Schema] = {"interval": DURATION, "timeout": DURATION}
    kinds = {
        "aws_cloud_map": strict(
            {
                **looked_up,
                "health_status": choice("ALL", "HEALTHY", "HEALTHY_OR_ELSE_ALL", "UNHEALTHY"),
                "namespace": TEXT,
                "owner_account": TEXT,
                "port": POSITIVE,
                "service_name": TEXT,
            },
            required=("namespace", "service_name"),
        ),
        # Here the port is text in the source; a number is taken, too.
        "dns": strict(
            {
                **looked_up,
                "hostname": TEXT,
                "port": {"type": ["integer", "string"], "pattern": f"^([0-9]+|{FROM_ENVIRONMENT})$"},
            },
            required=("hostname",),
        ),
        "k8s": strict(
            {"ports": listing(POSITIVE), "return_hostnames": FLAG, "service": TEXT, "timeout": DURATION},
            required=("service",),
        ),
        "static": strict({"hostnames": listing(TEXT, at_least=1)}, required=("hostnames",)),
    }
    structs = {"aws_cloud_map": "AWSCloudMapResolver", "dns": "DNSResolver", "k8s": "K8sSvcResolver"}
    for name, struct in {**structs, "static": "StaticResolver"}.items():
        check(f"the resolver {name}", kinds[name], Struct("load-balancing", "config.go", struct))
    whole = strict(kinds)
    check("resolver", whole, Struct("load-balancing", "config.go", "ResolverSettings"))
    return {**whole, "minProperties": 1, "maxProperties": 1}


def _otlp(check: Check) -> Schema:
    """Return the settings of the exporter to one backend; the resolver gives its endpoint, so none may be set."""
    tls = strict(
        {**_tls(check), "insecure": FLAG, "insecure_skip_verify": FLAG, "server_name_override": TEXT},
    )
    configtls = (Struct("configtls", "configtls.go"), Struct("configtls", "configtls.go", "ClientConfig"))
    check("a client's tls", tls, *configtls)
    keepalive = strict({"permit_without_stream": FLAG, "time": DURATION, "timeout": DURATION})
    check("keepalive", keepalive, Struct("configgrpc", "configgrpc.go", "KeepaliveClientConfig"))
    # Every backend's queue would be kept under one name, so a stored queue can't work here.
    queue = _queue(check)
    queue = {**queue, "properties": {name: each for name, each in queue["properties"].items() if name != "storage"}}
    whole = strict(
        {
            "auth": strict({"authenticator": TEXT}, required=("authenticator",)),
            "authority": TEXT,
            "balancer_name": choice("pick_first", "round_robin"),
            "compression": choice("", "deflate", "gzip", "none", "snappy", "zlib", "zstd"),
            "headers": {"type": ["object", "array"]},
            "keepalive": keepalive,
            "middlewares": listing({"type": "object"}),
            "read_buffer_size": COUNT,
            "retry_on_failure": _retry(check),
            "sending_queue": queue,
            "timeout": DURATION,
            "tls": tls,
            "user_agent": TEXT,
            "wait_for_ready": FLAG,
            "write_buffer_size": COUNT,
        }
    )
    check(
        "otlp",
        whole,
        Struct("otlp-exporter", "config.go"),
        Struct("configgrpc", "configgrpc.go", "ClientConfig"),
        _TIMEOUT_STRUCT,
        ours=("endpoint",),
    )
    # Written without settings, it is a key with nothing after it.
    return {**whole, "type": ["object", "null"]}


def _retry(check: Check) -> Schema:
    schema = strict(
        {
            **dict.fromkeys(("initial_interval", "max_elapsed_time", "max_interval"), DURATION),
            "enabled": FLAG,
            "multiplier": NUMBER,
            "randomization_factor": {**NUMBER, "minimum": 0, "maximum": 1},
        }
    )
    return check("retry_on_failure", schema, Struct("configretry", "backoff.go", "BackOffConfig"))


def _queue(check: Check) -> Schema:
    config = "internal/queuebatch/config.go"
    sizer = choice("bytes", "items", "requests")
    partition = strict({"metadata_keys": TEXTS})
    batch = strict(
        {
            "flush_timeout": DURATION,
            "max_size": COUNT,
            "min_size": COUNT,
            "partition": partition,
            "sizer": sizer,
        }
    )
    check("partition", partition, Struct("exporterhelper", config, "PartitionConfig"))
    check("batch", batch, Struct("exporterhelper", config, "BatchConfig"))
    schema = strict(
        {
            "batch": batch,
            "block_on_overflow": FLAG,
            "enabled": FLAG,
            "num_consumers": POSITIVE,
            "queue_size": POSITIVE,
            "sizer": sizer,
            "storage": TEXT,
            "wait_for_result": FLAG,
        }
    )
    # `enabled` belongs to what is optional in general, not to the queue.
    return check("sending_queue", schema, Struct("exporterhelper", config), ours=("enabled",))
