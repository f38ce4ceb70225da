"""What a metric is, by its name: the conventions of https://prometheus.io/docs/practices/naming/ and well-known ones.

A name says nothing for certain but of metrics that everybody knows; old exporters have counters without `_total`.
"""

from __future__ import annotations

import re

_KNOWN_GAUGES = re.compile(
    r"up|process_(resident|virtual)_memory(_max)?_bytes|process_(open|max)_fds|process_start_time_seconds"
    r"|go_goroutines|go_threads|go_info|go_memstats_(alloc|sys|heap_\w+|stack_\w+|next_gc|last_gc_time)_(bytes|seconds)"
    r"|node_load(1|5|15)|node_memory_(MemTotal|MemFree|MemAvailable|Buffers|Cached|SwapTotal|SwapFree)_bytes"
    r"|node_filesystem_(avail|free|size)_bytes|node_boot_time_seconds|node_time_seconds"
    r"|container_memory_(working_set|usage|rss|cache)_?(bytes)?|kube_\w+_(info|labels|created|status_phase)"
)
_LIKE_GAUGES = re.compile(r"\w+_(info|ratio|celsius|percent|timestamp_seconds|timestamp|created|limit_bytes|max_fds)")
_COUNTERS = re.compile(r"\w+_total")
# Gauges whose unit or meaning ends in the word that marks a counter.
_NO_COUNTERS = re.compile(r"node_memory_\w+|mem_total|\w*(capacity|quota|size|space|memory|limit)_total")
_RATES = re.compile(r"(rate|irate|increase|ratio)(_?\w+)?")


def is_recorded(name: str) -> bool:
    """Whether a recording rule made the metric."""
    return ":" in name


def is_recorded_rate(name: str) -> bool:
    """Whether the operations in a recorded metric's name end in a rate, an increase or a ratio."""
    return is_recorded(name) and _RATES.fullmatch(name.rpartition(":")[2]) is not None


def is_known_gauge(name: str) -> bool:
    """Whether everybody knows the metric as a gauge."""
    return _KNOWN_GAUGES.fullmatch(name) is not None


def is_like_gauge(name: str) -> bool:
    """Whether the metric is called as gauges are."""
    return not is_recorded(name) and _LIKE_GAUGES.fullmatch(name) is not None


def is_counter(name: str) -> bool:
    """Whether the metric is called as counters are."""
    return _COUNTERS.fullmatch(name) is not None and _NO_COUNTERS.fullmatch(name) is None


def is_buckets(name: str) -> bool:
    """Whether the metric is the buckets of a classic histogram, recorded or not."""
    return re.search(r"_bucket(:|$)", name) is not None
