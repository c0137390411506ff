"""A DNS server for what is served: names of the Kubernetes DNS specification 1.1, over UDP and TCP.

In: what is served as it changes, and queries. Out: answers, and errors for whatever is not ours to answer.

`directory` indexes what is served, `service_records` and `reverse_records` say which records a name has,
`zones` makes an answer of them, `responder` turns the bytes of a query into those of its answer. All of that
is pure, and so is `outside`; `udp`, `tcp`, `forwarding` and `server` move the bytes.
"""
