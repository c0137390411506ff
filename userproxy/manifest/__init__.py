"""What an API server does to objects when they are written: raw object in, raw object out.

In: raw objects (what ``json.loads`` gives) as users write them. Out: raw objects as an API server would
store them. A write goes through `lists.unpack`, one of `patches`, `service_updates.carry_over` (an update of
a Service), `defaults.complete`, `validation.validate` and `service_allocation.ServiceAllocator`, in that
order; `mirroring.mirror` makes slices of legacy Endpoints. Used by the sources that have no API server
behind them and by the test API server.

Inputs are never changed, and results share their unchanged parts with them: treat both as read-only. Only
the allocators own state. What is wrong comes back as values: `FieldError`s, or `Problem`s where a source
reports them; only a patch that cannot be applied and bad selectors raise.
"""
