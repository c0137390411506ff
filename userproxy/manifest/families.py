"""Which IP families a Service has, given what it states and what the cluster has (rules D1, D4).

Kubernetes: "IPv4/IPv6 dual-stack", section on Services; reworded from the behaviour of kube-apiserver 1.32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from userproxy.manifest.field_errors import FieldError, Reason
from userproxy.model.fields import is_list
from userproxy.model.names import Family

__all__ = ["settle_families"]

_SINGLE, _PREFER, _REQUIRE = "SingleStack", "PreferDualStack", "RequireDualStack"
_POLICY, _FAMILIES = "spec.ipFamilyPolicy", "spec.ipFamilies"


@dataclass(slots=True)
class _Stack:
    """The three fields that hang together, while they are being settled."""

    policy: str
    families: list[str]
    addresses: list[str]
    errors: list[FieldError]

    def refuse(self, field: str, value: object, message: str) -> None:
        self.errors.append(FieldError(field, value, message))


def settle_families(
    spec: Mapping[str, object], old: Mapping[str, object] | None, cluster: Sequence[Family]
) -> tuple[dict[str, object], list[FieldError]]:
    """``spec``, complete, with ``ipFamilyPolicy`` and ``ipFamilies``, and why that cannot be.

    ``old`` is the spec that it updates; ``cluster`` has the families of the cluster, the default one
    first. An ExternalName Service has no families. On the way from two families to one the
    second address goes too.
    """
    settled = dict(spec)
    if spec.get("type") == "ExternalName" or _stays_as_preferred(spec, old):
        return settled, []
    wrong = _wrong_types(spec)
    if wrong:
        return settled, wrong
    headless = spec.get("clusterIP") == "None"
    anywhere = headless and not spec.get("selector")
    stack = _Stack(
        str(spec.get("ipFamilyPolicy") or (_REQUIRE if anywhere else _SINGLE)),
        _texts(spec.get("ipFamilies")),
        _texts(spec.get("clusterIPs")),
        [],
    )
    if old is not None:
        _reduce(stack, old)
    _check_single(stack)
    if not anywhere:
        _check_cluster(stack, cluster)
    if not stack.errors:
        _extend(stack, Family if anywhere else cluster, cluster[0])
    settled |= {"ipFamilyPolicy": stack.policy, "ipFamilies": stack.families}
    if stack.addresses:
        settled["clusterIPs"] = stack.addresses
    return settled, stack.errors


def _wrong_types(spec: Mapping[str, object]) -> list[FieldError]:
    wrong = [
        FieldError(f"spec.{name}", spec[name], "must be a list of strings", Reason.WRONG_TYPE)
        for name in ("ipFamilies", "clusterIPs")
        if not _is_texts(spec.get(name))
    ]
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and not isinstance(policy, str):
        wrong.append(FieldError(_POLICY, policy, "must be a string", Reason.WRONG_TYPE))
    return wrong


def _stays_as_preferred(spec: Mapping[str, object], old: Mapping[str, object] | None) -> bool:
    """A Service that prefers two families does not change because the cluster has changed."""
    return (
        old is not None
        and spec.get("ipFamilyPolicy") == old.get("ipFamilyPolicy") == _PREFER
        and all(spec.get(name) == old.get(name) for name in ("clusterIP", "clusterIPs", "ipFamilies"))
    )


def _reduce(stack: _Stack, old: Mapping[str, object]) -> None:
    """From two families to one: that takes the policy SingleStack."""
    old_addresses, old_families = _texts(old.get("clusterIPs")), _texts(old.get("ipFamilies"))
    if stack.policy == _SINGLE:
        if stack.addresses == old_addresses:
            stack.addresses = stack.addresses[:1]
        if stack.families == old_families:
            stack.families = stack.families[:1]
        return
    if 0 < len(stack.addresses) < len(old_addresses):
        stack.refuse(_POLICY, stack.policy, "must be 'SingleStack' to give up the second cluster address")
    if 0 < len(stack.families) < len(old_families):
        stack.refuse(_POLICY, stack.policy, "must be 'SingleStack' to give up the second family")


def _check_single(stack: _Stack) -> None:
    """A single stack has one of each."""
    if stack.policy == _SINGLE:
        for count, what in ((len(stack.addresses), "cluster addresses"), (len(stack.families), "families")):
            if count > 1:
                rule = f"must be 'RequireDualStack' or 'PreferDualStack' with several {what}"
                stack.refuse(_POLICY, stack.policy, rule)


def _check_cluster(stack: _Stack, cluster: Sequence[Family]) -> None:
    if stack.policy == _REQUIRE and len(cluster) < 2:
        stack.refuse(_POLICY, stack.policy, f"the cluster has only the family {cluster[0]}")
    for index, family in enumerate(stack.families):
        if family in stack.families[:index]:
            stack.errors.append(FieldError(f"{_FAMILIES}[{index}]", family, "", Reason.DUPLICATE))
        elif family not in cluster:
            stack.refuse(f"{_FAMILIES}[{index}]", family, "the cluster has no range of this family")


def _extend(stack: _Stack, available: Sequence[Family] | type[Family], default: Family) -> None:
    """The default family when there is none, and the other one when two are wanted and there are two."""
    if not stack.families:
        stack.families = [str(default)]
    if stack.policy != _SINGLE and len(stack.families) == 1:
        stack.families += [str(family) for family in available if family != stack.families[0]]


def _is_texts(value: object) -> bool:
    return value is None or (is_list(value) and all(isinstance(item, str) for item in value))


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if is_list(value) else []
