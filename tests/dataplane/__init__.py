"""Real loopback sockets, on asyncio and on uvloop."""
