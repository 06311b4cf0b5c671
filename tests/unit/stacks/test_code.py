import io
import os
import zipfile
from pathlib import Path

import pytest

from data_exports.stacks.code import MoverCode, mover_code_of


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel with the parts that matter: a package, a library, and a RECORD that the zip leaves out."""
    file = tmp_path / "awscrt-0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("awscrt/s3.py", "_awscrt.abi3.so", "awscrt-0.dist-info/RECORD", "awscrt-0.dist-info/METADATA"):
            archive.writestr(name, name)
    return file


def names_in(code: MoverCode) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(code.body)).namelist())


def test_the_zip_holds_the_mover_and_awscrt_and_nothing_else_of_ours(wheel: Path) -> None:
    names = names_in(mover_code_of(wheel, architecture="arm64"))
    ours = {name for name in names if name.startswith("data_exports/")}
    assert names - ours == {"awscrt/s3.py", "_awscrt.abi3.so", "awscrt-0.dist-info/METADATA"}
    assert {"data_exports/__init__.py", "data_exports/mover/__init__.py", "data_exports/mover/handler.py"} <= ours
    assert all(name.startswith("data_exports/mover/") for name in ours - {"data_exports/__init__.py"})


def test_the_zip_is_the_same_bytes_whenever_it_is_built(wheel: Path) -> None:
    first = mover_code_of(wheel, architecture="arm64")
    os.utime(wheel, (0, 0))
    second = mover_code_of(wheel, architecture="arm64")
    assert first == second


def test_another_wheel_gives_another_key(wheel: Path) -> None:
    first = mover_code_of(wheel, architecture="arm64")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("awscrt/io.py", "new")
    assert mover_code_of(wheel, architecture="arm64").key != first.key
    assert first.key.startswith("code/mover-")
