"""The pictures of docs/register.md, each in few colours: `make pictures`.

Their site is that of the tests, which has one day for ever: what looks the same gives the same picture.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser import chromium
from tests.browser.sites import write_sites
from tests.browser.visit import visiting

PICTURES = {"register-exports": "exports", "register-export": "export, pushed", "review-to-sign": "review to sign"}
"""What each shows, by the name of its file."""
COLOURS = 96
HEIGHT = 1000


def write_pictures(folder: Path) -> None:
    """Take each of them."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        sites = write_sites(Path(made))
        browser = chromium.launch(playwright)
        for name, kind in PICTURES.items():
            address = (sites.folder / sites.kinds[kind]).as_uri()
            with visiting(browser, address, width=1200) as visit:
                visit.page.set_viewport_size({"width": 1200, "height": HEIGHT})
                taken = Image.open(io.BytesIO(visit.page.screenshot()))
            path = folder / f"{name}.png"
            taken.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
                path, optimize=True
            )
            print(f"{path}: {path.stat().st_size:,} bytes")
        browser.close()


if __name__ == "__main__":
    write_pictures(Path(sys.argv[1]))
