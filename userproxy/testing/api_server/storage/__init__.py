"""What the API server holds: objects by kind, namespace and name, and the history of their changes.

In: raw objects to create, replace, patch and delete. Out: stored objects, versions, changes, or a
`StatusError`. Nothing here knows HTTP, a clock, a loop or chance: the time, uids and random letters are
passed in. `Store` owns the objects and the history; `Registry` is the only one that writes to it.
"""
