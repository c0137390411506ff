"""Which endpoint the next connection goes to. Pure: time and randomness are passed in.

In: the sorted endpoints of a route's set, the client's address, how many connections an endpoint has.
Out: an endpoint. Each service port owns its pickers and its affinity table; no two ever share one
(rule B7). A picker belongs to one endpoint set: a new set means a new picker, which takes over what the
previous one has learned. Nothing here waits, logs or knows a socket.
"""
