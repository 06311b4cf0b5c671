"""The plain shape: what is changed, what is kept, and that a file's meaning and comments never change."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.estate.file_kinds import PLATFORM, PULL, PUSH, FileKind
from data_exports.estate.formatter import CannotFormatError, format_declaration, format_file
from data_exports.estate.loader import files_of, kind_of, load_estate
from tests.ssh_keys import ECDSA_256, ED25519, OTHER
from tests.unit.estate import written

ROOT = Path(__file__).parents[3]
ESTATES = [ROOT / "examples" / "estate", ROOT / "tests" / "golden" / "shapes"]
FILES = [(path, kind) for estate in ESTATES for path, kind in files_of(estate)]


def shaped(text: str, kind: FileKind[Any] = PUSH) -> str:
    """The formatted text, which formatting again does not change."""
    result = format_declaration(text, Path("x.yaml"), kind)
    assert format_declaration(result, Path("x.yaml"), kind) == result
    return result


MESSY = """\
# licence of this file

# yaml-language-server: $schema=../x.json
# about users
users: [alpha_user_ana, # first
   'alpha_user_ben'] # both

# about the name
name:   "orders"   # n
paperwork:
  # before the first
  - 'a: b'
  - c
  # - d
  # - e
# about the bucket
bucket: orders-landing

description: |  # long
    Hello
      indented

    # not a comment
    end
expires: '2035-03-31'
owner: >-
   folded
   text
keep_files: [True]
target_account: 012345678901
# the end"""

PLAIN = """\
# yaml-language-server: $schema=../x.json
# licence of this file

# about the name
name: orders # n

description: | # long
  Hello
    indented

  # not a comment
  end
owner: >-
  folded
  text
# about the bucket
target_bucket: orders-landing
target_account: "012345678901"
keep_files: true
# about users
users: # both
  - alpha_user_ana # first
  - alpha_user_ben
paperwork:
  # before the first
  - "a: b"
  - c
  # - d
  # - e
expires: 2035-03-31
# the end
"""


def test_the_plain_shape() -> None:
    assert shaped(MESSY) == PLAIN


def test_settings_of_the_platform_are_ordered_and_their_mappings_are_not() -> None:
    text = """\
platform:
    hub_bucket: hub-exports
    # who may send
    user_roles: [alpha_user_*]
    tags: {b: "yes", a: '2'}
    account: 593291632749

    accounts: {754256621582: Cloud # the cloud
    }
    region: eu-west-1
    pull_bucket_prefix: x-
    # the last
"""
    assert (
        shaped(text, PLATFORM)
        == """\
platform:
  account: "593291632749"
  region: eu-west-1
  hub_bucket: hub-exports
  pull_bucket_prefix: x-
  # who may send
  user_roles:
    - alpha_user_*

  accounts:
    "754256621582": Cloud # the cloud
  tags:
    b: "yes"
    a: "2"
  # the last
"""
    )


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("keep_files: FALSE", "keep_files: false"),
        ("owner: 'null'", 'owner: "null"'),
        ("owner: 'No'", 'owner: "No"'),
        ("owner: '12'", 'owner: "12"'),
        ("owner: 'Ana'", "owner: Ana"),
        ("owner: \"J\\u00f6rg 'x'\"", "owner: \"Jörg 'x'\""),
        ("owner: a\n  b", "owner: a b"),
        ("description: 'a\n\n  b'", 'description: "a\\nb"'),
        ("description: |1\n  a", 'description: " a\\n"'),
        ("description: |+\n  a", "description: |\n  a"),
        ("paperwork:", "paperwork:"),
        ("paperwork: []", "paperwork: []"),
        ("paperwork:\n- a\n# about the next\n", "paperwork:\n  - a\n# about the next"),
        ("paperwork: [a] # c", "paperwork: # c\n  - a"),
        ('owner: "Ana"#c', "owner: Ana #c"),
        ("owner: a#b", "owner: a#b"),
        ("expires: 2035-03-31   ", "expires: 2035-03-31"),
    ],
)
def test_values(line: str, plain: str) -> None:
    base = 'name: a\ntarget_bucket: abc\ntarget_account: "754256621582"\n{}users:\n  - u\n{}'
    after = plain.startswith(("paperwork", "expires"))
    text = base.format("", f"{line}\n") if after else base.format(f"{line}\n", "")
    result = shaped(text)
    assert f"\n{plain}\n" in result
    assert result.replace(f"{plain}\n", "") == base.format("", "")


def test_windows_line_ends_and_a_byte_order_mark_go(tmp_path: Path) -> None:
    folder = written.write_estate(tmp_path, push=b"\xef\xbb\xbf" + written.PUSH.replace("\n", "\r\n").encode())
    formatted = format_file(folder / "push_datasets" / "a.yaml", PUSH)
    assert formatted.is_changed
    assert formatted.text == written.PUSH.replace("[alpha_user_ana]", "\n  - alpha_user_ana").replace(": \n", ":\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (written.PUSH + "owner: [\n", "it cannot be read"),
        (written.PUSH + "ower: x\n", "it holds errors"),
        ("- a\n", "it is no mapping of fields"),
        ("", "it is no mapping of fields"),
        (written.PUSH + "owner: a\u2028\n", "it cannot be read"),
        (written.PUSH + "# a\x85", "it cannot be read"),
    ],
)
def test_what_holds_errors_is_left_as_it_is(text: str, reason: str) -> None:
    with pytest.raises(CannotFormatError, match=reason):
        shaped(text)


def test_a_value_without_effect_that_nests_is_left_as_it_is() -> None:
    with pytest.raises(CannotFormatError, match="a list stands right in another one"):
        shaped(written.PULL + "bucket: [[a]]\n", PULL)


def test_mappings_in_a_list_have_a_line_for_each_field() -> None:
    plain = f"""\
sftp_readers:
  # who reads at night
  - name: meridian # the contractor
    # until March
    keys:
      - {ED25519}
      # the new one
      - {OTHER}

  - name: tarn
    keys:
      - "{ECDSA_256}"
  # end of all
"""
    flow = f"""\
sftp_readers: [{{name: tarn, keys: ['{ECDSA_256}']}}, {{keys: [{ED25519} tarn@laptop], name: meridian}}] # both
"""
    base = written.PULL.replace(
        "[arn:aws:iam::754256621582:role/reader]", "\n  - arn:aws:iam::754256621582:role/reader"
    )
    base = base.replace("[alpha_user_ana]", "\n  - alpha_user_ana").replace(": \n", ":\n")
    head, users = base.split("users:")
    assert shaped(f"{head}{plain}users:{users}", PULL) == f"{head}{plain}users:{users}"
    assert shaped(f"{head}{flow}users:{users}", PULL) == (
        f'{head}sftp_readers: # both\n  - name: tarn\n    keys:\n      - "{ECDSA_256}"\n'
        f"  - keys:\n      - {ED25519} tarn@laptop\n    name: meridian\nusers:{users}"
    )


@pytest.mark.parametrize(("path", "kind"), FILES, ids=lambda value: getattr(value, "name", ""))
def test_files_in_use_keep_their_meaning(path: Path, kind: FileKind[Any], tmp_path: Path) -> None:
    estate = next(each for each in ESTATES if path.is_relative_to(each))
    before = load_estate(estate).estate
    for each, _ in files_of(estate):
        copy = tmp_path / each.relative_to(estate)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(each.read_bytes())
    copy = tmp_path / path.relative_to(estate)
    text = shaped(path.read_text(encoding="utf-8"), kind)
    copy.write_text(text, encoding="utf-8")
    assert load_estate(tmp_path).estate == before
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_every_kind_of_file_is_known_by_its_place(tmp_path: Path) -> None:
    folder = written.write_estate(tmp_path, push_datasets__more="", other__x="")
    (folder / "push_datasets" / "README.yaml").touch()
    assert {path.name: kind.name for path, kind in files_of(folder)} == {
        "exports.yaml": "platform",
        "a.yaml": "push",
        "more.yaml": "push",
        "b.yaml": "pull",
    }
    for path, kind in files_of(folder):
        assert kind_of(path, estate=folder) is kind
    for name in ("push_datasets/README.yaml", "push_datasets/.x.yaml", "push_datasets/x.txt", "other/x.yaml", "x.yaml"):
        assert kind_of(folder / name, estate=folder) is None


# --- whatever the file looks like ----------------------------------------------------------------------------------

COMMENTS = st.sampled_from(["", "", "", " # c", "   #d: [x", " # 'e", ' #" l', "\t# f"])
OWN_LINES = st.lists(st.sampled_from(["", "# g", "  # h", "    # i: j", "#", "# - k"]), max_size=2)
WORDS = st.sampled_from(
    [
        "Ana",
        "a b",
        "'a b'",
        '"a b"',
        "'it''s'",
        '"\\u00e9\\n"',
        "a: b".join("''"),
        "'#'",
        "a#b",
        "é",
        "12",
        "'null'",
        "-x",
    ]
)
DASHES = st.sampled_from(["- ", "  - ", "-   "])


@st.composite
def entries(draw: st.DrawFn, name: str, values: st.SearchStrategy[str], *, as_list: bool, at: str) -> list[str]:
    """The lines of one field, laid out in any way."""
    above = [f"{at if line.startswith('#') else ''}{line}" if line else "" for line in draw(OWN_LINES)]
    gap = draw(st.sampled_from([" ", "  "]))
    if not as_list:
        return [*above, f"{at}{name}:{gap}{draw(values)}{draw(COMMENTS)}"]
    items = draw(st.lists(values, min_size=1, max_size=3))
    form = draw(st.sampled_from(["flow", "flow lines", "block"]))
    if form == "flow":
        return [*above, f"{at}{name}:{gap}[{', '.join(items)}]{draw(COMMENTS)}"]
    if form == "flow lines":
        inside = [f"{at}  {item},{draw(COMMENTS)}" for item in items]
        return [*above, f"{at}{name}:{gap}[{draw(COMMENTS)}", *inside, f"{at}  ]{draw(COMMENTS)}"]
    dash = draw(DASHES)
    lines = [f"{at}{name}:{draw(COMMENTS)}"]
    for item in items:
        lines += [f"{at}{line}" if line else "" for line in draw(OWN_LINES)]
        lines.append(f"{at}{dash}{item}{draw(COMMENTS)}")
    return [*above, *lines]


@st.composite
def push_files(draw: st.DrawFn) -> str:
    """A push dataset without errors, in any layout."""
    at = draw(st.sampled_from(["", "", " ", "  "]))
    users = st.sampled_from(["alpha_user_ana", "'alpha_user_ben'", '"a"', "b"])
    fields = {
        "name": (st.sampled_from(["orders", "'orders'", "2031"]), False),
        draw(st.sampled_from(["bucket", "target_bucket"])): (st.sampled_from(["abc-d", "'abc'"]), False),
        "users": (users, True),
        "target_account": (st.sampled_from(["754256621582", "'012345678901'", "012345678901"]), False),
        "keep_files": (st.sampled_from(["true", "[True]", "False", "[ FALSE ]"]), False),
        "owner": (WORDS.filter(lambda word: "\\n" not in word), False),
        "description": (
            st.one_of(WORDS, st.sampled_from([f"|\n{at}   a\n{at}     b", f">-\n{at}  c\n\n{at}  d"])),
            False,
        ),
        "paperwork": (WORDS.filter(lambda word: "\\n" not in word), draw(st.booleans())),
        "expires": (st.sampled_from(["2035-03-31", "'2035-03-31'"]), False),
    }
    required = list(fields)[:3]
    chosen = draw(st.permutations([*required, *draw(st.lists(st.sampled_from(list(fields)[3:]), unique=True))]))
    lines = draw(st.sampled_from([[], ["---"], ["# top", "---"], ["# top", ""], ["--- # start"]]))
    for name in chosen:
        values, as_list = fields[name]
        lines = [*lines, *draw(entries(name, values, as_list=as_list, at=at))]
    lines += [f"{at}{line}" if line.strip() else line for line in draw(OWN_LINES)]
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))


@given(push_files())
def test_any_layout_keeps_its_meaning_and_comments_and_settles_at_once(text: str) -> None:
    result = shaped(text)  # which compares meaning and comments, and formats twice
    texts = ("# c", "#d: [x", "# 'e", '#" l', "# f", "# g", "# h", "# i: j", "# - k", "# top", "# start")
    assert {each: result.count(each) for each in texts} == {each: text.count(each) for each in texts}


GOOD = st.sampled_from([(PLATFORM, written.PLATFORM), (PUSH, MESSY), (PUSH, written.PUSH), (PULL, written.PULL)])
SLIPS = st.sampled_from(
    [*"-:?[]{},&*!|>%@`'\"#\n\t \x85\u2028\r", "---\n", "...\n", "? ", "|2\n", ">+\n\n", "[[a]]", "{a: b}"]
)


@given(GOOD, st.data())
def test_a_file_with_a_slip_is_formatted_or_left(good: tuple[FileKind[Any], str], data: st.DataObject) -> None:
    kind, text = good
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    slip = data.draw(st.text(st.characters(codec="utf-8"), max_size=5) | SLIPS)
    slipped = text[:start] + slip + text[end:]
    try:
        result = format_declaration(slipped, Path("x.yaml"), kind)  # compares meaning and comments
    except CannotFormatError:
        return
    assert format_declaration(result, Path("x.yaml"), kind) == result
