"""What is wrong with an object, as a value: pure rooms return problems, `Proxy` logs each once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from userproxy.model.names import ObjectRef

__all__ = ["Problem", "Severity"]


class Severity(StrEnum):
    """How bad: an ERROR leaves something of the input unserved, a WARNING is served another way."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding, worded once, here for the log, ``check`` and ``explain`` alike."""

    object: ObjectRef
    field: str
    """Path inside the object, as kubectl writes it: ``spec.ports[0].port``; "" for the object itself."""
    value: str
    """The value found, shortened to 80 characters; "" when it is missing."""
    rule: str
    """Row of docs/semantics.md, such as ``D7``; "" where none applies."""
    message: str
    """What is wrong and what happens now, without object, field or value."""
    severity: Severity = Severity.ERROR
    origin: str = ""
    """Where the object came from: ``web.yaml, document 2``; "" when it was a call or the API server."""

    def __str__(self) -> str:
        where = f"{self.origin}: " if self.origin else ""
        field = f": {self.field}" if self.field else ""
        value = f" = {self.value}" if self.value else ""
        rule = f" [{self.rule}]" if self.rule else ""
        return f"{where}{self.object}{field}{value}: {self.message}{rule}"
