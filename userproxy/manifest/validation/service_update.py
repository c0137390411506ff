"""What an update of a Service may not change (Kubernetes API reference, ServiceSpec)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from userproxy.manifest.field_errors import FieldErrors
from userproxy.manifest.validation.service import has_health_check
from userproxy.model.fields import is_list

__all__ = ["check_service_update"]

Spec = Mapping[str, object]


def check_service_update(spec: Spec, old: Spec, errors: FieldErrors) -> None:
    """What a Service keeps for as long as it has it."""
    if "ExternalName" not in (spec.get("type"), old.get("type")):
        _check_first(spec, old, "clusterIPs", errors)
        if "None" not in (spec.get("clusterIP"), old.get("clusterIP")):
            _check_first(spec, old, "ipFamilies", errors)
        new_ips, old_ips = _items(spec, "clusterIPs"), _items(old, "clusterIPs")
        if len(new_ips) == len(old_ips) == 2 and new_ips[1] != old_ips[1]:
            errors.add("spec.clusterIPs[1]", new_ips, "may not change once set")
    if has_health_check(spec) and has_health_check(old):
        field = "healthCheckNodePort"
        if old.get(field) and spec.get(field) != old[field]:
            errors.add(f"spec.{field}", spec.get(field), "field is immutable")
    name, old_name = spec.get("loadBalancerClass"), old.get("loadBalancerClass")
    if spec.get("type") == old.get("type") == "LoadBalancer" and name != old_name:
        errors.add("spec.loadBalancerClass", name, "may not change once set")


def _check_first(spec: Spec, old: Spec, field: str, errors: FieldErrors) -> None:
    """The first entry of a list: the other one may come and go with ``ipFamilyPolicy``."""
    new_items, old_items = _items(spec, field), _items(old, field)
    if old_items and new_items[:1] != old_items[:1]:
        errors.add(f"spec.{field}[0]", spec.get(field), "may not change once set")


def _items(spec: Spec, field: str) -> Sequence[object]:
    value = spec.get(field)
    return value if is_list(value) else ()
