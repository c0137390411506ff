"""The HTTP side of the API server, on aiohttp: thin handlers over storage, reading and presentation.

In: requests. Out: answers, watch streams, the record of what was asked, and scripted trouble in front
of all that. The streams and the record belong to this package; objects never do.
"""
