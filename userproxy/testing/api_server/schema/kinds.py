"""The shape of each kind that is served, field by field, as Kubernetes 1.32 has it."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, NODE, POD, SERVICE, Kind
from userproxy.testing.api_server.schema.metadata import CONDITIONS, OBJECT_REFERENCE, top_level
from userproxy.testing.api_server.schema.pods import POD_SHAPE
from userproxy.testing.api_server.schema.types import (
    ANY,
    BOOLEAN,
    INT32,
    INT64,
    INT_OR_STRING,
    STRING,
    ListOf,
    MapOf,
    Struct,
    struct,
)

__all__ = ["SHAPES"]

_SERVICE_PORT = Struct(
    {
        "name": STRING,
        "protocol": STRING,
        "appProtocol": STRING,
        "port": INT32,
        "targetPort": INT_OR_STRING,
        "nodePort": INT32,
    },
    required=("port",),
)

_SERVICE_SPEC = struct(
    ports=ListOf(_SERVICE_PORT, merge_key="port"),
    selector=MapOf(STRING),
    clusterIP=STRING,
    clusterIPs=ListOf(STRING),
    type=STRING,
    externalIPs=ListOf(STRING),
    sessionAffinity=STRING,
    loadBalancerIP=STRING,
    loadBalancerSourceRanges=ListOf(STRING),
    externalName=STRING,
    externalTrafficPolicy=STRING,
    healthCheckNodePort=INT32,
    publishNotReadyAddresses=BOOLEAN,
    sessionAffinityConfig=struct(clientIP=struct(timeoutSeconds=INT32)),
    ipFamilies=ListOf(STRING),
    ipFamilyPolicy=STRING,
    allocateLoadBalancerNodePorts=BOOLEAN,
    loadBalancerClass=STRING,
    internalTrafficPolicy=STRING,
    trafficDistribution=STRING,
)

_INGRESS = struct(
    ip=STRING,
    hostname=STRING,
    ipMode=STRING,
    ports=ListOf(struct(port=INT32, protocol=STRING, error=STRING)),
)

_SERVICE = top_level(
    spec=_SERVICE_SPEC,
    status=struct(loadBalancer=struct(ingress=ListOf(_INGRESS)), conditions=CONDITIONS),
)

_HINT = Struct({"name": STRING}, required=("name",))

_ENDPOINT = Struct(
    {
        "addresses": ListOf(STRING),
        "conditions": struct(ready=BOOLEAN, serving=BOOLEAN, terminating=BOOLEAN),
        "hostname": STRING,
        "targetRef": OBJECT_REFERENCE,
        "deprecatedTopology": MapOf(STRING),
        "nodeName": STRING,
        "zone": STRING,
        "hints": struct(forZones=ListOf(_HINT), forNodes=ListOf(_HINT)),
    },
    required=("addresses",),
)

_ENDPOINT_SLICE = top_level(
    required=("addressType", "endpoints"),
    shown_when_absent=("endpoints", "ports"),
    addressType=STRING,
    endpoints=ListOf(_ENDPOINT),
    ports=ListOf(struct(name=STRING, protocol=STRING, port=INT32, appProtocol=STRING)),
)

_SUBSET_ADDRESS = Struct(
    {"ip": STRING, "hostname": STRING, "nodeName": STRING, "targetRef": OBJECT_REFERENCE},
    required=("ip",),
)

_SUBSET = struct(
    addresses=ListOf(_SUBSET_ADDRESS),
    notReadyAddresses=ListOf(_SUBSET_ADDRESS),
    ports=ListOf(
        Struct({"name": STRING, "port": INT32, "protocol": STRING, "appProtocol": STRING}, required=("port",))
    ),
)

_NAMESPACE = top_level(
    spec=struct(finalizers=ListOf(STRING)), status=struct(phase=STRING, conditions=CONDITIONS)
)

_CONFIG_SOURCE = struct(
    configMap=struct(
        namespace=STRING, name=STRING, uid=STRING, resourceVersion=STRING, kubeletConfigKey=STRING
    )
)

_NODE_SPEC = struct(
    podCIDR=STRING,
    podCIDRs=ListOf(STRING, merges=True),
    providerID=STRING,
    unschedulable=BOOLEAN,
    taints=ListOf(
        Struct(
            {"key": STRING, "value": STRING, "effect": STRING, "timeAdded": STRING},
            required=("key", "effect"),
        )
    ),
    configSource=_CONFIG_SOURCE,
    externalID=STRING,
)

_NODE_INFO = struct(
    machineID=STRING,
    systemUUID=STRING,
    bootID=STRING,
    kernelVersion=STRING,
    osImage=STRING,
    containerRuntimeVersion=STRING,
    kubeletVersion=STRING,
    kubeProxyVersion=STRING,
    operatingSystem=STRING,
    architecture=STRING,
)

_NODE_STATUS = struct(
    capacity=MapOf(ANY),
    allocatable=MapOf(ANY),
    phase=STRING,
    conditions=CONDITIONS,
    addresses=ListOf(
        Struct({"type": STRING, "address": STRING}, required=("type", "address")), merge_key="type"
    ),
    daemonEndpoints=struct(kubeletEndpoint=struct(Port=INT32)),
    nodeInfo=_NODE_INFO,
    images=ListOf(struct(names=ListOf(STRING), sizeBytes=INT64)),
    volumesInUse=ListOf(STRING),
    volumesAttached=ListOf(struct(name=STRING, devicePath=STRING)),
    config=struct(assigned=_CONFIG_SOURCE, active=_CONFIG_SOURCE, lastKnownGood=_CONFIG_SOURCE, error=STRING),
    runtimeHandlers=ListOf(
        struct(name=STRING, features=struct(recursiveReadOnlyMounts=BOOLEAN, userNamespaces=BOOLEAN))
    ),
    features=struct(supplementalGroupsPolicy=BOOLEAN),
)

SHAPES: Mapping[Kind, Struct] = {
    SERVICE: _SERVICE,
    ENDPOINT_SLICE: _ENDPOINT_SLICE,
    ENDPOINTS: top_level(subsets=ListOf(_SUBSET)),
    NAMESPACE: _NAMESPACE,
    NODE: top_level(spec=_NODE_SPEC, status=_NODE_STATUS),
    POD: POD_SHAPE,
}
"""The shape of every kind that is served."""
