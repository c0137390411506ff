"""Objects from a Kubernetes API server: lists, watches, and the credentials for them (section R).

In: a `Connection` and what to follow. Out: the events of `KubeSource`. The way from bytes to events, each
step in a module of its own::

    keepalive                 resources, plan: what is asked for        backoff: when again
        |                          |                                       |
    client  ->  framing  ->  watch_events  ->  known  ->  reflector  ->  following  ->  source
    one HTTP    lines        one line          only       list, then     a task for     events,
    request     lists: one page, item by item  news       watch          each           Synced
        |                                                    |
    transport_errors, answers -> failures                positions: which request and version next
                                                         outages: what is wrong, told once

`Following` owns the tasks and the HTTP session of one run; closing the iterator of `KubeSource.events` ends
them. A `Connection` owns its files and plugins: `lookup` finds one, ``kubeconfig``, ``credentials``, ``tls``
and what they import make it. Only ``client`` and ``transport_errors`` know aiohttp.
"""
