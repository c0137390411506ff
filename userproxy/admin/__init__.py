"""What a running process says of itself, over HTTP on a Unix socket of its own.

In: a `Proxy`. Out: JSON whose fields are only ever added to (docs/status.md). `server` answers, `client`
finds the processes of this user and asks one of them; `folder` is where the two meet.
"""
