"""What passes between two processes of which one succeeds the other: messages, with descriptors.

In: sockets, flows and clients, as items. Out: the same in the other process. Whoever receives a descriptor
owns it. One process asks and the other answers, one message at a time. So speak whole proxies (`takeover`),
and each worker with the one that it succeeds (`workers`).
"""
