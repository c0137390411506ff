"""The shape of a Pod: in full where a port-forward looks, by the names of its fields elsewhere."""

from __future__ import annotations

from userproxy.testing.api_server.schema.metadata import CONDITIONS, top_level
from userproxy.testing.api_server.schema.types import (
    ANY,
    BOOLEAN,
    INT32,
    INT64,
    STRING,
    FieldType,
    ListOf,
    MapOf,
    Struct,
    struct,
)

__all__ = ["POD_SHAPE"]


def _any(names: str) -> dict[str, FieldType]:
    return dict.fromkeys(names.split(), ANY)


_CONTAINER_PORT = Struct(
    {"name": STRING, "containerPort": INT32, "protocol": STRING, "hostPort": INT32, "hostIP": STRING},
    required=("containerPort",),
)

_CONTAINER = Struct(
    {
        "name": STRING,
        "image": STRING,
        "ports": ListOf(_CONTAINER_PORT, merge_key="containerPort"),
        **_any(
            "args command env envFrom imagePullPolicy lifecycle livenessProbe readinessProbe resizePolicy"
            " resources restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce"
            " targetContainerName terminationMessagePath terminationMessagePolicy tty volumeDevices"
            " volumeMounts workingDir"
        ),
    },
    required=("name",),
)
_CONTAINERS = ListOf(_CONTAINER, merge_key="name")

_SPEC = Struct(
    {
        "containers": _CONTAINERS,
        "initContainers": _CONTAINERS,
        "ephemeralContainers": _CONTAINERS,
        "hostname": STRING,
        "subdomain": STRING,
        "nodeName": STRING,
        "nodeSelector": MapOf(STRING),
        "serviceAccountName": STRING,
        "hostNetwork": BOOLEAN,
        "restartPolicy": STRING,
        "terminationGracePeriodSeconds": INT64,
        **_any(
            "activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy"
            " enableServiceLinks hostAliases hostIPC hostPID hostUsers hostnameOverride imagePullSecrets os"
            " overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources"
            " runtimeClassName schedulerName schedulingGates securityContext serviceAccount setHostnameAsFQDN"
            " shareProcessNamespace tolerations topologySpreadConstraints volumes"
        ),
    },
    required=("containers",),
)

_STATUS = Struct(
    {
        "phase": STRING,
        "conditions": CONDITIONS,
        "podIP": STRING,
        "podIPs": ListOf(struct(ip=STRING), merge_key="ip"),
        "hostIP": STRING,
        "startTime": STRING,
        "message": STRING,
        "reason": STRING,
        **_any(
            "containerStatuses ephemeralContainerStatuses extendedResourceClaimStatus hostIPs"
            " initContainerStatuses nominatedNodeName observedGeneration qosClass resize"
            " resourceClaimStatuses"
        ),
    }
)

POD_SHAPE = top_level(spec=_SPEC, status=_STATUS)
