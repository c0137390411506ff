"""docs/architecture.md shows the layers that import-linter holds, and packages that exist."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from tests.docs.project import DOCS, ROOT, table_rows

PAGE = DOCS / "architecture.md"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
ROWS = table_rows(PAGE, section="## Rooms")
LAYERS = [re.findall(r"`(\w+)`", row[1]) for row in ROWS]


def test_the_rooms_stand_in_the_layers_of_the_import_contract() -> None:
    [layers] = [contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"]
    assert [re.findall(r"userproxy\.(\w+)", layer) for layer in layers] == LAYERS
    assert [row[0] for row in ROWS] == [str(number) for number in range(len(ROWS), 0, -1)]


def test_every_room_of_the_package_is_in_the_table() -> None:
    package = ROOT / "userproxy"
    rooms = {
        path.stem
        for path in package.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").is_file()) and not path.name.startswith("__")
    }
    assert rooms == {room for layer in LAYERS for room in layer}


def test_the_pure_rooms_are_those_of_the_contract() -> None:
    [contract] = [contract for contract in CONTRACTS if contract["name"].startswith("The pure rooms ")]
    pure = {module.removeprefix("userproxy.") for module in contract["source_modules"]}
    [sentence] = re.findall(r"^(`model`.*?) are pure", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", sentence)) == pure


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`(\w+/\w+\.py)`", PAGE.read_text(encoding="utf-8"))))
)
def test_modules_that_the_page_names_exist(path: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / "userproxy" / path).read_text(encoding="utf-8")))
