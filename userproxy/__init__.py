"""userproxy: a userspace kube-proxy.

Services from manifests, from calls or from a Kubernetes API server flow in; TCP connections and UDP
datagrams flow through. Importing this package starts nothing and configures nothing.
"""
