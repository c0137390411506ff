"""Field numbers of the kinds that kubectl creates in protobuf: Service and Namespace (generated.proto).

What only the API server writes (status, times, managed fields) is left out: nobody may state it.
"""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.manifest.kinds import NAMESPACE, SERVICE, Kind
from userproxy.testing.api_server.schema.protobuf import (
    BadProtobuf,
    Field,
    Message,
    decode_envelope,
    decode_message,
)

__all__ = ["PROTOBUF_KINDS", "decode_object"]

_OWNER: Message = {
    1: Field("kind"),
    3: Field("name"),
    4: Field("uid"),
    5: Field("apiVersion"),
    6: Field("controller", "bool", pointer=True),
    7: Field("blockOwnerDeletion", "bool", pointer=True),
}
_METADATA: Message = {
    1: Field("name"),
    2: Field("generateName"),
    3: Field("namespace"),
    5: Field("uid"),
    6: Field("resourceVersion"),
    11: Field("labels", "map"),
    12: Field("annotations", "map"),
    13: Field("ownerReferences", "message", _OWNER, repeated=True),
    14: Field("finalizers", repeated=True),
}
_PORT: Message = {
    1: Field("name"),
    2: Field("protocol"),
    3: Field("port", "int"),
    4: Field("targetPort", "int-or-string"),
    5: Field("nodePort", "int"),
    6: Field("appProtocol", pointer=True),
}
_CLIENT_IP: Message = {1: Field("timeoutSeconds", "int", pointer=True)}
_SERVICE_SPEC: Message = {
    1: Field("ports", "message", _PORT, repeated=True),
    2: Field("selector", "map"),
    3: Field("clusterIP"),
    4: Field("type"),
    5: Field("externalIPs", repeated=True),
    7: Field("sessionAffinity"),
    8: Field("loadBalancerIP"),
    9: Field("loadBalancerSourceRanges", repeated=True),
    10: Field("externalName"),
    11: Field("externalTrafficPolicy"),
    12: Field("healthCheckNodePort", "int"),
    13: Field("publishNotReadyAddresses", "bool"),
    14: Field("sessionAffinityConfig", "message", {1: Field("clientIP", "message", _CLIENT_IP)}),
    17: Field("ipFamilyPolicy", pointer=True),
    18: Field("clusterIPs", repeated=True),
    19: Field("ipFamilies", repeated=True),
    20: Field("allocateLoadBalancerNodePorts", "bool", pointer=True),
    21: Field("loadBalancerClass", pointer=True),
    22: Field("internalTrafficPolicy", pointer=True),
    23: Field("trafficDistribution", pointer=True),
}
PROTOBUF_KINDS: Mapping[Kind, Message] = {
    SERVICE: {1: Field("metadata", "message", _METADATA), 2: Field("spec", "message", _SERVICE_SPEC)},
    NAMESPACE: {1: Field("metadata", "message", _METADATA)},
}
"""The kinds that are taken in protobuf."""


def decode_object(content: bytes) -> dict[str, object]:
    """The raw object in an envelope. Raises BadProtobuf, also for a kind that is not taken so."""
    api_version, kind, raw = decode_envelope(content)
    message = next(
        (each for key, each in PROTOBUF_KINDS.items() if (key.api_version, key.kind) == (api_version, kind)),
        None,
    )
    if message is None:
        raise BadProtobuf(f"{api_version} {kind} is not taken in protobuf; send JSON")
    return {"apiVersion": api_version, "kind": kind, **decode_message(raw, message)}
