"""The load generator: its arithmetic by tables and properties, its sockets on loopback."""
