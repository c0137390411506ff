"""Endpoints replaced under load for minutes: does a request fail, does the proxy grow?

In: a duration. On stage: our API server in this process, one ``userproxy run`` that follows it, a backend
whose endpoints come and go, three load generators. Out: failures, swaps, memory and descriptors over time.
"""
