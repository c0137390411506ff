"""What an API server refuses when an object is written, beyond fields of the wrong type.

In: a raw object that is complete, and the stored one that it replaces. Out: what is wrong with it, as
values, in the order of the fields. Nothing is kept, nothing raises.
"""

from __future__ import annotations

from userproxy.manifest.validation.objects import validate

__all__ = ["validate"]
