"""Which collections a source follows, and by which selectors. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from userproxy.sources.kube.resources import ENDPOINT_SLICES, NODES, SERVICES, Collection

__all__ = ["node_collection", "node_name", "served_collections"]

# kube-proxy's selectors: what they leave out would only be ignored later (rules S1, E1).
_NOT_OF_ANOTHER_PROXY = "!service.kubernetes.io/service-proxy-name"
_NOT_HEADLESS = "spec.clusterIP!=None"
_BY_NAME = "metadata.name="
_NO_HEADLESS_SLICE = "!service.kubernetes.io/headless"


def served_collections(
    namespaces: Iterable[str], selector: str, *, exclude_foreign: bool, exclude_headless: bool
) -> Iterator[Collection]:
    """Services and slices, of ``namespaces`` one by one, so that a namespaced role is enough; none: of all.

    ``selector`` chooses Services by label. ``exclude_foreign``: without those of another proxy.
    """
    labels = ",".join(filter(None, (_NOT_OF_ANOTHER_PROXY if exclude_foreign else "", selector)))
    fields, slice_labels = (_NOT_HEADLESS, _NO_HEADLESS_SLICE) if exclude_headless else ("", "")
    for namespace in dict.fromkeys(namespaces) or ("",):
        yield Collection(SERVICES, namespace, labels, fields)
        yield Collection(ENDPOINT_SLICES, namespace, slice_labels)


def node_collection(name: str) -> Collection:
    """The one Node ``name`` (rule N2)."""
    return Collection(NODES, field_selector=f"{_BY_NAME}{name}")


def node_name(collection: Collection) -> str:
    """The name that `node_collection` was made of."""
    return collection.field_selector.removeprefix(_BY_NAME)
