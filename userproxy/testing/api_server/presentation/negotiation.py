"""The Accept header: which form of an answer a client would rather have. It is always JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Form", "Wanted", "negotiate"]


class Form(StrEnum):
    """What an answer can be turned into; the values are those of ``as=``."""

    PLAIN = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"
    DISCOVERY = "APIGroupDiscoveryList"


_GROUPS = {
    Form.TABLE: "meta.k8s.io",
    Form.METADATA: "meta.k8s.io",
    Form.METADATA_LIST: "meta.k8s.io",
    Form.DISCOVERY: "apidiscovery.k8s.io",
}
_VERSIONS = {"meta.k8s.io": ("v1", "v1beta1"), "apidiscovery.k8s.io": ("v2", "v2beta1")}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A form and its API version; ``version`` is "" for the plain form."""

    form: Form = Form.PLAIN
    version: str = ""

    @property
    def group(self) -> str:
        return _GROUPS.get(self.form, "")

    @property
    def content_type(self) -> str:
        """What the answer says it is; discovery alone names its form there."""
        if self.form is Form.DISCOVERY:
            return f"application/json;g={self.group};v={self.version};as={self.form}"
        return "application/json"


def negotiate(accept: str, *forms: Form) -> Wanted:
    """The first of the accepted forms that is among ``forms``, else the plain one.

    Protobuf and other formats are passed over: a client that asks for them takes JSON as well.
    """
    for entry in accept.split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        if media_type != "application/json":
            continue
        values = dict(parameter.partition("=")[::2] for parameter in parameters)
        wanted = _wanted(values.get("as", ""), values.get("g", ""), values.get("v", ""))
        if wanted is not None and (wanted.form is Form.PLAIN or wanted.form in forms):
            return wanted
    return Wanted()


def _wanted(form: str, group: str, version: str) -> Wanted | None:
    if not form:
        return Wanted()
    try:
        wanted = Wanted(Form(form), version)
    except ValueError:
        return None
    return wanted if wanted.group == group and version in _VERSIONS[group] else None
