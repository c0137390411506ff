"""The whole proxy under hostile networks, hostile objects and hostile users.

Every test drives a running `Proxy` or the real command, with peers that reset, stall, vanish and flood, and
asks what must never happen: a byte lost or invented, a client left hanging, a descriptor, a deadline or a
count left behind, one object or one client that takes others down. All randomness is seeded.
"""
