"""What an API server does to objects when they are written: raw object in, raw object out.

In: raw objects (what ``json.loads`` gives) as users write them. Out: raw objects as an API server would
store them: unpacked from lists, completed, allocated, mirrored from Endpoints, patched. Used by the
sources that have no API server behind them and by the test API server. Inputs are never changed, and
results share their unchanged parts with them: treat both as read-only. Only the allocators own state.
"""
