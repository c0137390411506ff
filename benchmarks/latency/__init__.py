"""How soon a change in the API server is in force: from its answer until a new connection goes elsewhere.

In: how many changes. On stage: ``userproxy apiserver``, ``userproxy run --server`` beside it, two backends,
each a process of its own. Out: one time for each change, made by plain HTTP and by kubectl.
"""
