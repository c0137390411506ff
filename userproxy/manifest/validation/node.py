"""Validation of a Node, as far as a proxy reads it (Kubernetes API reference, NodeSpec)."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.manifest.field_errors import FieldErrors, Reason
from userproxy.manifest.names import LABEL_VALUE, QUALIFIED_NAME, is_label_value, is_qualified_name
from userproxy.model.addresses import parse_cidr

__all__ = ["check_node", "check_node_update"]

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

Spec = Mapping[str, object]


def check_node(spec: Spec, errors: FieldErrors) -> None:
    """Pod ranges and taints."""
    families: set[object] = set()
    cidrs = errors.items("spec.podCIDRs", spec.get("podCIDRs"))
    for index, cidr in enumerate(cidrs):
        try:
            family = parse_cidr(cidr if isinstance(cidr, str) else "")[0]
        except ValueError:
            errors.add(f"spec.podCIDRs[{index}]", cidr, "must be a CIDR such as 10.0.0.0/24")
            continue
        if family in families:
            errors.add(f"spec.podCIDRs[{index}]", cidr, "may have one range of each family")
        families.add(family)
    if cidrs and spec.get("podCIDR") not in (None, "", cidrs[0]):
        errors.add("spec.podCIDRs[0]", cidrs[0], "must be that of podCIDR")
    _check_taints(spec, errors)


def check_node_update(spec: Spec, old: Spec, errors: FieldErrors) -> None:
    """Pod ranges may be set, not changed."""
    if old.get("podCIDRs") and spec.get("podCIDRs") != old["podCIDRs"]:
        errors.forbid("spec.podCIDRs", "may not change once set")


def _check_taints(spec: Spec, errors: FieldErrors) -> None:
    seen: set[tuple[str, str]] = set()
    for path, taint in errors.objects("spec.taints", spec.get("taints")):
        key, value, effect = taint.get("key"), taint.get("value"), taint.get("effect")
        if not (isinstance(key, str) and is_qualified_name(key)):
            errors.add(f"{path}.key", key, QUALIFIED_NAME)
        if value is not None and not (isinstance(value, str) and is_label_value(value)):
            errors.add(f"{path}.value", value, LABEL_VALUE)
        errors.check_choice(f"{path}.effect", effect, _EFFECTS)
        if isinstance(key, str) and isinstance(effect, str):
            if (key, effect) in seen:
                errors.add(path, f"{key}:{effect}", "taints are unique by key and effect", Reason.DUPLICATE)
            seen.add((key, effect))
