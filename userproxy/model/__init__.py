"""Typed, frozen Kubernetes objects, and the decoding of the JSON that the API serves.

In: raw objects (what ``json.loads`` gives). Out: `Service`, `EndpointSlice` and `Node` values with the
`Problem`s found on the way, `Event`s for the routing, `Route`s for the data plane. No input or output,
no clock, no loop. Nobody owns a value: they are all immutable.
"""
