"""Loads modules without the lines of a cut."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType

from benchmarks.costs.cuts import Cut, without

__all__ = ["CutFinder"]


class _CutLoader(SourceFileLoader):
    """Compiles what is left, past the cached bytecode of the whole module."""

    def __init__(self, name: str, path: str, cut: Cut) -> None:
        super().__init__(name, path)
        self._cut = cut

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path).decode()
        code: CodeType = self.source_to_code(without(source, fullname, self._cut).encode(), self.path)
        return code


class CutFinder(MetaPathFinder):
    """Finds the modules that ``cut`` edits; all others are found as ever. For the head of sys.meta_path."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._modules = frozenset(edit.module for edit in cut.edits)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._modules:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is None or spec.origin is None:
            return None
        loader = _CutLoader(fullname, spec.origin, self._cut)
        return spec_from_file_location(fullname, spec.origin, loader=loader)
