"""One browser and one set of sites a process, and a server on loopback for them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import chromium
from tests.browser.serving import serving
from tests.browser.sites import Sites, write_sites


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """For a module at a time: while Playwright runs, a test of another folder could run no event loop of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = chromium.launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    return write_sites(tmp_path_factory.mktemp("register"))


@pytest.fixture(scope="session")
def files(sites: Sites) -> str:
    """Where the sites are, as files that somebody opens."""
    return sites.folder.as_uri()


@pytest.fixture(scope="session")
def served(sites: Sites) -> Iterator[str]:
    """Where the sites are, on a static host."""
    with serving(sites.folder) as address:
        yield address
