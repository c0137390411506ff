"""Makes docs/demo.svg out of a real run of the demo: its live view, as it stands after some seconds.

python .ci/demo_picture.py [--seconds 12]
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
from pathlib import Path

import rich
import uvloop

from userproxy.cli.demo.scene import Scene
from userproxy.cli.demo.view import live, summary

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "demo.svg"
COLUMNS = 92


async def run(seconds: float) -> str:
    """The picture as SVG. Raises RuntimeError when the run was not good."""
    async with Scene() as scene:
        await asyncio.sleep(seconds)
        # Not a terminal: the view is printed once, when its block ends.
        rich.reconfigure(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=False)
        with live(scene.story):
            pass
        picture = rich.get_console().export_svg(title="userproxy demo", unique_id="demo")
        await scene.stop_load()
        print(summary(scene.story))
        if not scene.story.good:
            raise RuntimeError("the demo failed: no picture of that")
    # Fonts of another host are of no use in a picture; any monospaced one will do.
    return re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=12.0, help="how long it runs before (default: 12)")
    PICTURE.write_text(uvloop.run(run(parser.parse_args().seconds)), encoding="utf-8")


if __name__ == "__main__":
    main()
