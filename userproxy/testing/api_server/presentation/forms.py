"""Objects, lists and watch events in the form that the client wants: plain, Table or metadata alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.presentation.cells import COLUMNS, cells
from userproxy.testing.api_server.presentation.negotiation import Form, Wanted
from userproxy.testing.api_server.reading.listing import Page
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.store import metadata_of

__all__ = ["Presenter"]


@dataclass(frozen=True, slots=True)
class Presenter:
    """Presents objects of one kind as one client wants them."""

    kind: Kind
    wanted: Wanted
    include_object: str = "Metadata"
    """What a row of a Table carries: None, Metadata or Object."""

    def object(self, raw: RawObject, now: datetime) -> RawObject:
        """One object."""
        if self.wanted.form is Form.TABLE:
            return self._table([raw], {"resourceVersion": metadata_of(raw).get("resourceVersion")}, now)
        return self._metadata_only(raw) if self.wanted.form is Form.METADATA else raw

    def page(self, page: Page, now: datetime) -> RawObject:
        """A list. Its items carry no kind of their own, as an API server writes them."""
        if self.wanted.form is Form.TABLE:
            return self._table(page.objects, page.metadata(), now)
        if self.wanted.form in (Form.METADATA, Form.METADATA_LIST):
            return {
                "kind": Form.METADATA_LIST.value,
                "apiVersion": self._api_version,
                "metadata": page.metadata(),
                "items": [self._metadata_only(raw) for raw in page.objects],
            }
        return {
            "kind": self.kind.list_kind,
            "apiVersion": self.kind.api_version,
            "metadata": page.metadata(),
            "items": [_without_kind(raw) for raw in page.objects],
        }

    def event(self, raw: RawObject, now: datetime, *, first: bool, bookmark: bool = False) -> RawObject:
        """The object of a watch event. A Table tells its columns with the first one only."""
        if self.wanted.form is Form.TABLE:
            version = {"resourceVersion": metadata_of(raw).get("resourceVersion")}
            return self._table([] if bookmark else [raw], version, now, columns=first)
        metadata = self.wanted.form in (Form.METADATA, Form.METADATA_LIST)
        return self._metadata_only(raw) if metadata else raw

    @property
    def _api_version(self) -> str:
        return f"{self.wanted.group}/{self.wanted.version}"

    def _metadata_only(self, raw: RawObject) -> RawObject:
        return {
            "kind": Form.METADATA.value,
            "apiVersion": self._api_version,
            "metadata": dict(metadata_of(raw)),
        }

    def _table(
        self, objects: Sequence[RawObject], metadata: RawObject, now: datetime, *, columns: bool = True
    ) -> RawObject:
        definitions = [
            {
                "name": column.name,
                "type": "string",
                "format": column.format,
                "description": "",
                "priority": column.priority,
            }
            for column in COLUMNS[self.kind]
        ]
        return {
            "kind": Form.TABLE.value,
            "apiVersion": self._api_version,
            "metadata": metadata,
            "columnDefinitions": definitions if columns else None,
            "rows": [self._row(raw, now) for raw in objects],
        }

    def _row(self, raw: RawObject, now: datetime) -> RawObject:
        row: dict[str, object] = {"cells": cells(self.kind, raw, now)}
        if self.include_object == "Object":
            row["object"] = raw
        elif self.include_object != "None":
            row["object"] = self._metadata_only(raw)
        return row


def _without_kind(raw: RawObject) -> RawObject:
    return {field: value for field, value in raw.items() if field not in ("kind", "apiVersion")}
