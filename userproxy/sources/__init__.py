"""Where objects come from: an API server (``kube``), manifests (`files`), calls (`memory`).

In: bytes, as others wrote them. Out: the events of `Source.events`: what exists, then every change, with
what is wrong as values. A source owns its connections, threads and watches while it is consumed, and has
ended them when its iterator is closed. Nothing here knows what is served, or how.

Manifests take this way, each step in a module of its own::

    given -> disk -> sights -> stability -> documents -> contents -> objects -> events
    paths    looks   values    what counts  YAML, JSON   decoded     differences

`follower` joins these steps and blocks; `following` runs it in a thread, with hints of the kernel
(`folder_watch`) and what is read once (`streams`); `files` is what users of the package meet.
"""
