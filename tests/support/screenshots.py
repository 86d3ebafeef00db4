"""`make screenshots`: the pictures of the console in docs/, from a stack of their own."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from local.stack import APP
from tests.support import console_stack

_DOCS = APP / "docs"


def main() -> int:
    if fault := console_stack.missing():
        print(fault, file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="s-") as folder,
        console_stack.served(Path(folder)) as client,
        console_stack.driven() as browser,
    ):
        for script in ("screenshots.mjs", "sweep.test.mjs"):
            print(console_stack.run(script, client.state.http, browser, BATCHAI_PICTURES=str(_DOCS)))
    pictures = sorted(map(str, _DOCS.glob("console-*.png")))
    if shutil.which("pngquant"):
        # 256 colours are enough for a page, at a third of the bytes.
        subprocess.run(["pngquant", "--force", "--ext", ".png", "--skip-if-larger", *pictures], check=False)
    for picture in pictures:
        print(picture, Path(picture).stat().st_size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
