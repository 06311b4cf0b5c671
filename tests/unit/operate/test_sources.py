"""What is sent: each file under the name people expect, and nothing that they would not expect."""

import os
from pathlib import Path
from typing import Any

import pytest

from data_exports.destinations.kinds import AnyDestination
from data_exports.errors import RefusedError, UsageError
from data_exports.names import KeyPrefix
from data_exports.operate.sources import read_sources
from data_exports.text import printable
from tests.estates import at_azure, at_google, at_s3

PREFIX = KeyPrefix("hearings/")


def write(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_a_file_goes_under_its_name_and_a_folder_under_the_paths_within_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "july", "a.csv", "deep/er/b.txt", "deep/ü 1+1.bin")
    alone = write(tmp_path, "alone.csv") / "alone.csv"
    found = read_sources([folder, alone], PREFIX)
    assert [(source.key, source.path, source.size_bytes) for source in found.files] == [
        ("hearings/a.csv", folder / "a.csv", 5),
        ("hearings/alone.csv", alone, 9),
        ("hearings/deep/er/b.txt", folder / "deep/er/b.txt", 13),
        ("hearings/deep/ü 1+1.bin", folder / "deep/ü 1+1.bin", 15),
    ]
    assert read_sources([folder], PREFIX, below="2031/july/").files[0].key == "hearings/2031/july/a.csv"
    assert [source.key for source in read_sources([alone], PREFIX, key="x/y.csv").files] == ["hearings/x/y.csv"]


def test_hidden_names_are_left_out_of_folders_and_said_but_sent_when_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", "a.csv", ".DS_Store", ".git/config")
    found = read_sources([folder], PREFIX)
    assert [source.key for source in found.files] == ["hearings/a.csv"]
    assert found.hidden == (folder / ".DS_Store", folder / ".git")
    assert [source.key for source in read_sources([folder / ".DS_Store"], PREFIX).files] == ["hearings/.DS_Store"]


def test_links_never_lead_out_of_a_folder(tmp_path: Path) -> None:
    secret = write(tmp_path / "private", "salaries.csv")
    folder = write(tmp_path / "in", "a.csv")
    (folder / "same.csv").symlink_to("a.csv")
    assert [source.key for source in read_sources([folder], PREFIX).files] == ["hearings/a.csv", "hearings/same.csv"]
    (folder / "out.csv").symlink_to(secret / "salaries.csv")
    (folder / "all").symlink_to(secret)
    with pytest.raises(RefusedError) as refused:
        read_sources([folder], PREFIX)
    assert str(refused.value).splitlines() == [
        "nothing was sent:",
        f"  {folder / 'all'} is a link to a folder; name that folder itself to send it",
        f"  {folder / 'out.csv'} is a link that leads out of {folder}; name the file itself to send it",
    ]


def test_what_cannot_be_sent_is_told_all_at_once_and_nothing_is_sent(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", "a.csv", "-/a.csv")
    os.mkfifo(folder / "pipe")
    long = tmp_path / ("é" * 120)
    for _ in range(4):
        long = long / ("é" * 120)
    with pytest.raises(RefusedError) as refused:
        read_sources([folder, folder / "a.csv", folder / "none.csv", write(tmp_path, str(long)) / long], PREFIX)
    assert str(refused.value).splitlines()[1:] == [
        f"  {folder / 'pipe'} is no ordinary file",
        f"  {folder / 'none.csv'}: No such file or directory",
        f"  {folder / 'a.csv'} and {folder / 'a.csv'} would both be hearings/a.csv; send them apart, with --prefix",
    ]


def test_a_key_longer_than_s3_allows_is_refused(tmp_path: Path) -> None:
    place = tmp_path
    for _ in range(5):
        place = place / ("é" * 110)
    write(place, "a.csv")
    with pytest.raises(RefusedError, match=r"its key would have 1,1.. bytes; S3 allows 1,024"):
        read_sources([tmp_path], PREFIX)


@pytest.mark.parametrize(
    ("there", "name", "problem"),
    [
        (at_azure(), "a.", "a part of it ends with a dot"),
        (
            at_azure(),
            "a\\b",
            "it has a backslash, which Azure takes for a slash",
        ),
        (at_google(), "a\rb", "it has a line break"),
        (at_s3(), "a.", ""),
        (at_s3(), "a\rb", ""),
        (at_google(), "a.", ""),
        (at_azure(), "a.csv", ""),
    ],
)
def test_a_name_that_the_recipient_cannot_hold_is_refused_before_anything_is_sent(
    there: AnyDestination, name: str, problem: str, tmp_path: Path
) -> None:
    write(tmp_path, "good.csv", name)
    read_sources([tmp_path], PREFIX)
    if not problem:
        read_sources([tmp_path], PREFIX, problem_of_name=there.settings.problem_of_name)
        return
    with pytest.raises(RefusedError) as refused:
        read_sources([tmp_path], PREFIX, problem_of_name=there.settings.problem_of_name)
    path, key = (printable(str(each)) for each in (tmp_path / name, f"{PREFIX}{name}"))
    assert refused.value.what == (
        f"nothing was sent:\n  {path}: its recipient cannot hold {key}: {problem}; rename it, or send it alone with "
        "--key"
    )


def test_a_name_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.csv")).write_text("x")
    with pytest.raises(RefusedError, match=r"caf\\udce9.csv': its name is not UTF-8; rename it"):
        read_sources([tmp_path], PREFIX)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"below": "../other"}, "--prefix: '../other' is no path below the dataset"),
        ({"below": "a//b"}, "--prefix: 'a//b' is no path below the dataset"),
        ({"key": "/a.csv"}, "--key: '/a.csv' is no path below the dataset"),
        ({"key": "a/"}, "--key: 'a/' is no path below the dataset"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    file = write(tmp_path, "a.csv") / "a.csv"
    with pytest.raises(UsageError) as refused:
        read_sources([file], PREFIX, **options)
    assert refused.value.args == (said.partition(": ")[2],)
    assert str(refused.value).startswith(said)


def test_an_empty_folder_and_a_key_for_many_are_mistakes(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="there is no file to send"):
        read_sources([tmp_path / "empty"], PREFIX)
    with pytest.raises(UsageError, match="--key names one file"):
        read_sources([tmp_path / "empty"], PREFIX, key="a.csv")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "text/csv"),
        ("a.csv.gz", "application/gzip"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.jsonl", "application/x-ndjson"),
        ("a.unheard-of", None),
        ("a.tar.Z", None),
    ],
)
def test_the_content_type_follows_the_name(tmp_path: Path, name: str, kind: str | None) -> None:
    (source,) = read_sources([write(tmp_path, name) / name], PREFIX).files
    assert source.content_type == kind


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv") / "a.csv"
    (source,) = read_sources([file], PREFIX).files
    assert not source.has_changed()
    file.write_text("more than before")
    assert source.has_changed()
    file.unlink()
    assert source.has_changed()


MANY_BYTES = 8 * 1024 * 1024


@pytest.mark.parametrize("char", ["\x00", "\x01", "\x07", "\x0b", "\x1b", "\x1f", "\ufffe", "\uffff"])
def test_a_file_that_goes_up_in_parts_must_have_a_key_that_s3s_xml_can_carry(tmp_path: Path, char: str) -> None:
    path = write(tmp_path, "a.txt") / "a.txt"
    key = f"t{char}.txt"
    os.truncate(path, MANY_BYTES - 1)
    assert [source.key for source in read_sources([path], PREFIX, key=key).files] == [f"hearings/{key}"]
    os.truncate(path, MANY_BYTES)
    with pytest.raises(RefusedError) as refused:
        read_sources([path], PREFIX, key=key)
    assert str(refused.value) == (
        f"nothing was sent:\n  {path}: a file of 8 MiB or more goes up in parts, and S3 cannot name those of a key "
        f"that holds {char!a}; rename it"
    )


def test_other_odd_keys_go_up_in_parts(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt") / "a.txt"
    os.truncate(path, MANY_BYTES)
    key = "t\t\n\r\x7f\x85é\ue000\ufffd\U0010ffff"
    assert [source.key for source in read_sources([path], PREFIX, key=key).files] == [f"hearings/{key}"]
