"""What many connections and UDP flows leave behind in one proxy: descriptors, tasks, flows.

In: how many. A `Proxy` runs in this process, where it can be looked into; load and backend are processes of
their own. Out: what was open before and after, on each event loop.
"""
