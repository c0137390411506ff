"""What an update of a Service may not change (Kubernetes API reference, ServiceSpec)."""

from __future__ import annotations

from collections.abc import Mapping

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
        new_ips, old_ips = spec.get("clusterIPs"), old.get("clusterIPs")
        both = is_list(new_ips) and is_list(old_ips) and len(new_ips) == len(old_ips) == 2
        if both and is_list(new_ips) and is_list(old_ips) and new_ips[1] != old_ips[1]:
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
    new_list, old_list = spec.get(field), old.get(field)
    if is_list(old_list) and old_list and (not is_list(new_list) or new_list[:1] != old_list[:1]):
        errors.add(f"spec.{field}[0]", new_list, "may not change once set")
