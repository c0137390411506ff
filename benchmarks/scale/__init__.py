"""A large cluster: the first sync, one change in it, its memory, its listeners.

In: how many Services, of 10 endpoints each. On stage: a bare HTTP server that sends bytes made beforehand, in
a process of its own, and for each round fresh processes that do one thing each. Out: times, ratios to one
``orjson.loads`` of the same bytes, and bytes for each Service.
"""
