"""PrometheusRule objects: one for each file of rules that a person reads, one for each group of constants.

The number of groups of constants is fixed, and a service's are in one of them for ever: adding a service changes one
object, and none ever moves from one to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshscope.artefacts.objects import KubernetesObject
from meshscope.artefacts.rules import RuleFile, RuleGroup
from meshscope.build.operator.made import made, slug
from meshscope.build.rules.statics import group_name
from meshscope.build.ruletext import groups_text, head
from meshscope.findings import Finding
from meshscope.model.mesh import Mesh

_KIND = "PrometheusRule"

# What prometheus-operator accepts as one rule file: half of what a Secret may hold.
OPERATOR_BYTES = 512 << 10
_SERVER_BYTES = 1 << 20


def rule_objects(files: Iterable[RuleFile], mesh: Mesh, query_offset: str) -> Iterable[KubernetesObject]:
    """Every rule, group by group; ``query_offset`` is how far behind rules look, empty for not at all."""
    for file in files:
        read = [group for group in file.groups if not group.static]
        if read:
            # Whether foreign rules look behind is their author's to say.
            yield _object(file.name, file.about, read, mesh, "" if file.carried else query_offset)
        for group in file.groups:
            if group.static:
                name = group.name.removeprefix(group_name(mesh, ""))
                yield _object(name, f"{file.about} This is group {group.name}.", [group], mesh, query_offset)


def too_large(objects: Iterable[KubernetesObject], mesh: Mesh) -> tuple[Finding, ...]:
    """The objects that an operator or the API server would refuse for their size."""
    return tuple(
        _refused(thing, limit, mesh)
        for thing in objects
        for limit in (OPERATOR_BYTES if thing.kind == _KIND else _SERVER_BYTES,)
        if len(thing.text) > limit * 3 // 4
    )


def _refused(thing: KubernetesObject, limit: int, mesh: Mesh) -> Finding:
    why, remedy = f"the API server refuses an object of {limit >> 10} KiB", "split it"
    if thing.kind == _KIND:
        why = (
            f"prometheus-operator leaves out a rule file of more than {limit >> 10} KiB as it writes it, up to a third "
            "longer than here, and says so in its log only"
        )
        halved = "write group_count=128, which halves each group of constants"
        remedy = halved if mesh.group_count == 64 else "define a mesh for each cluster"
    return Finding(
        code="operator/too-large",
        title=f"{thing} has {len(thing.text) >> 10} KiB",
        place=mesh.place,
        why=why,
        help=remedy,
        subject=thing.name,
    )


def _object(name: str, about: str, groups: Sequence[RuleGroup], mesh: Mesh, query_offset: str) -> KubernetesObject:
    documents = [{**head(group, query_offset), "rules": [rule.document() for rule in group.rules]} for group in groups]
    full = f"{mesh.name}-{name}"
    return made(
        mesh,
        path=f"objects/rules/{slug(full)}.yaml",
        api="monitoring.coreos.com/v1",
        kind=_KIND,
        name=full,
        namespace=mesh.monitoring_namespace,
        body={"spec": {"groups": documents}},
        body_text="spec:\n" + groups_text(groups, 2, query_offset),
        about=about,
        origins=(rule.origin for group in groups for rule in group.rules),
    )
