"""Closing a review: a branch with what was decided, and nothing else touched; and what is refused."""

from datetime import date
from pathlib import Path

import pytest

from data_exports.errors import DeclarationError, RefusedError
from data_exports.estate.file_kinds import PULL, PUSH
from data_exports.estate.formatter import format_declaration
from data_exports.readers.kinds import AnyReader
from data_exports.reviews.closing import Closed, close_review
from data_exports.reviews.models import KEEP, REMOVE, AccessRow, Decision
from tests import ssh_keys
from tests.estates import GOOGLE_READER, TRANSFER_READER
from tests.unit.estate import written
from tests.unit.reviews.git_estate import commit_all, git, state_of, write_repository
from tests.unit.reviews.of_estates import decide, estate_in, review_in, write_review

PUSH_FILE = """\
# The listing of hearings
name: orders
description: |
  Two
  lines
owner: Orders Team <orders@example.gov.uk>
target_bucket: orders-landing
target_account: "754256621582"
users:
  # the team's own
  - alpha_user_ana
  - alpha_user_ben # until he moves
  - alpha_user_cat
paperwork:
  - DPIA-1
  - DPIA-2
  # and a third is being written
# the end of the file
"""
PULL_FILE = """\
name: tables
pull_arns:
  - arn:aws:iam::754256621582:role/reader # theirs
  - arn:aws:iam::754256621582:role/writer
users:
  - alpha_user_ana
paperwork: DPIA-2
expires: 2035-03-31 # as agreed
"""
END = Decision("shorten", date(2031, 6, 30))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_repository(tmp_path, push=PUSH_FILE, pull=PULL_FILE)


def close(folder: Path, path: Path, branch: str = "") -> Closed:
    return close_review(folder, review_in(path), estate_in(folder), today=written.TODAY, branch=branch)


def as_decided(dataset: str, row: AccessRow) -> Decision:
    if row.who in ("alpha_user_ben", "arn:aws:iam::754256621582:role/reader"):
        return REMOVE
    return END if dataset == "tables" else KEEP


def test_a_branch_has_what_was_decided_and_nothing_else_is_touched(folder: Path, tmp_path: Path) -> None:
    path = write_review(folder)
    decide(path, as_decided)
    commit_all(folder)
    (tmp_path / "notes.txt").write_text("not committed")
    before, head = state_of(tmp_path), git(tmp_path, "rev-parse", "HEAD").strip()
    closed = close(folder, path)
    assert state_of(tmp_path) == before
    assert (closed.branch.name, closed.branch.base) == ("review-2031-Q1", head)
    assert (closed.kept, closed.shortened, closed.removed) == (3, 2, 2)
    assert git(tmp_path, "log", "--format=%H %P %an", "review-2031-Q1", "-1").split() == [
        closed.branch.commit,
        head,
        "Ana",
        "Lopez",
    ]
    changed = git(
        tmp_path, "diff", "-U0", head, "review-2031-Q1", "--", "exports/push_datasets", "exports/pull_datasets"
    )
    assert [line for line in changed.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
        "-  - arn:aws:iam::754256621582:role/reader # theirs",
        "-expires: 2035-03-31 # as agreed",
        "+expires: 2031-06-30 # as agreed",
        "-  - alpha_user_ben # until he moves",
    ]
    git(tmp_path, "checkout", "--quiet", "review-2031-Q1")
    assert review_in(path) == closed.review
    assert git(tmp_path, "log", "--format=%B", "-1") == (
        "Close the access review 2031-Q1\n\n"
        "Accesses kept: 3, shortened: 2, removed: 2.\n\n"
        "- orders: sender alpha_user_ben removed\n"
        "- tables: outside role arn:aws:iam::754256621582:role/reader removed, ends with 2031-06-30\n\n"
        f"Looked at: {closed.review.digest}\nClosed: {closed.review.seal}\n\n"
    )


def test_an_end_is_the_last_field_and_what_was_formatted_stays_so(folder: Path, tmp_path: Path) -> None:
    path = write_review(folder)
    decide(path, lambda dataset, _: END if dataset == "orders" else KEEP)
    commit_all(folder)
    close(folder, path)
    after = git(tmp_path, "show", "review-2031-Q1:exports/push_datasets/a.yaml")
    shaped = format_declaration(after, path, PUSH)
    assert after == shaped == PUSH_FILE.replace("# the end", "expires: 2031-06-30\n# the end")


@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_file_of_another_shape_is_edited_as_it_is(ending: str, tmp_path: Path) -> None:
    odd = (
        ' name: "tables"\n pull_arns: [arn:aws:iam::754256621582:role/reader]\n'
        ' users: ["alpha_user_ana", alpha_user_b]\n allow_push: [True]'
    )
    folder = write_repository(tmp_path, pull=odd + ending)
    path = write_review(folder)
    decide(path, lambda dataset, row: KEEP if dataset == "orders" else REMOVE if row.who == "alpha_user_ana" else END)
    commit_all(folder)
    close(folder, path)
    after = git(tmp_path, "show", "review-2031-Q1:exports/pull_datasets/b.yaml")
    assert after == odd.replace('"alpha_user_ana", ', "") + "\n expires: 2031-06-30\n"
    assert format_declaration(after, path, PULL)


@pytest.mark.parametrize(
    ("removed", "left"),
    [(["calder"], ["meridian"]), (["meridian"], ["calder"]), (["meridian", "calder"], [])],
    ids="-".join,
)
def test_readers_by_sftp_are_taken_out_with_their_keys(removed: list[str], left: list[str], tmp_path: Path) -> None:
    entries = {
        "meridian": f"  # by night\n  - name: meridian # theirs\n    keys:\n      - {ssh_keys.ED25519} # old\n",
        "calder": f"  - name: calder\n    keys:\n      - {ssh_keys.OTHER}\n",
    }
    start, rest = PULL_FILE.split("users:")
    pull = f"{start}sftp_readers:\n{entries['meridian']}{entries['calder']}users:{rest}"
    folder = write_repository(tmp_path, platform=f"{written.PLATFORM}  sftp: true\n", pull=pull)
    path = write_review(folder)
    decide(path, lambda _, row: REMOVE if row.who in removed else KEEP)
    commit_all(folder)
    closed = close(folder, path)
    assert closed.removed == len(removed)
    kept = "".join(entries[name] if name in left else "  # by night\n" * (name == "meridian") for name in entries)
    shown = f"sftp_readers:\n{kept}" if left else ""
    after = git(tmp_path, "show", "review-2031-Q1:exports/pull_datasets/b.yaml")
    assert after == f"{start}{shown}users:{rest}"


@pytest.mark.parametrize(
    ("removed", "left"),
    [
        ([TRANSFER_READER], [GOOGLE_READER]),
        ([GOOGLE_READER], [TRANSFER_READER]),
        ([GOOGLE_READER, TRANSFER_READER], []),
    ],
    ids=["one", "other", "both"],
)
def test_readers_of_tokens_are_taken_out_with_all_that_tells_who_they_are(
    removed: list[AnyReader], left: list[AnyReader], tmp_path: Path
) -> None:
    google = "".join(f"      {name}: '{value}' # x\n" for name, value in GOOGLE_READER.declaration["google"].items())
    entries = {
        GOOGLE_READER: f"  - google:\n{google}",
        TRANSFER_READER: f"  - google_transfer: {{subject: '{TRANSFER_READER.subject}'}} # by night\n",
    }
    start, rest = PULL_FILE.split("users:")
    pull = f"{start}pull_identities:\n{''.join(entries.values())}users:{rest}"
    folder = write_repository(tmp_path, pull=pull)
    path = write_review(folder)
    decide(path, lambda _, row: REMOVE if row.who in {each.label for each in removed} else KEEP)
    commit_all(folder)
    assert close(folder, path).removed == len(removed)
    shown = f"pull_identities:\n{''.join(entries[each] for each in left)}" if left else ""
    after = git(tmp_path, "show", "review-2031-Q1:exports/pull_datasets/b.yaml")
    assert after == f"{start}{shown}users:{rest}"


def test_a_dataset_of_which_nothing_is_kept_goes_as_a_whole(folder: Path, tmp_path: Path) -> None:
    path = write_review(folder)
    decide(path, lambda dataset, _: REMOVE if dataset == "tables" else KEEP)
    commit_all(folder)
    closed = close(folder, path)
    assert [str(each) for each in closed.consequences] == ["tables: removed, with all of its accesses"]
    listed = git(tmp_path, "ls-tree", "-r", "--name-only", "review-2031-Q1").split()
    assert listed == [
        "README.md",
        "exports/exports.yaml",
        "exports/push_datasets/a.yaml",
        "exports/reviews/2031-Q1.yaml",
    ]


def test_who_has_not_decided_is_named_and_nothing_is_made(folder: Path, tmp_path: Path) -> None:
    path = write_review(folder)
    decide(path, lambda dataset, row: KEEP if row.who != "alpha_user_ana" else None)
    commit_all(folder)
    with pytest.raises(RefusedError) as stop:
        close(folder, path)
    assert str(stop.value) == (
        "2031-Q1: 2 of 7 accesses are not decided\n"
        "  nobody named: alpha_user_ana (tables)\n"
        "  Orders Team <orders@example.gov.uk>: alpha_user_ana (orders)\n"
        "  next: exports review decide"
    )
    assert git(tmp_path, "branch", "--list").split() == ["*", "main"]


def test_what_has_changed_since_is_named(folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    (folder / "pull_datasets" / "b.yaml").write_text(PULL_FILE.replace("reader", "loader").replace("2035", "2036"))
    commit_all(folder)
    with pytest.raises(RefusedError) as stop:
        close(folder, path)
    assert stop.value.what.splitlines()[1:] == [
        "  tables: outside role arn:aws:iam::754256621582:role/loader (new)",
        "  tables: outside role arn:aws:iam::754256621582:role/reader (gone)",
        "  tables: outside role arn:aws:iam::754256621582:role/writer (changed)",
        "  tables: user alpha_user_ana (changed)",
    ]


def test_facts_that_were_edited_are_refused(folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    path.write_text(path.read_text().replace("read files of tables", "look at nothing", 1))
    commit_all(folder)
    with pytest.raises(RefusedError, match="its facts are not those of the declarations"):
        close(folder, path)


def test_decisions_that_are_not_committed_bind_nobody(folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    with pytest.raises(RefusedError, match=r"not committed: reviews/2031-Q1\.yaml"):
        close(folder, path)
    commit_all(folder)
    (folder / "push_datasets" / "new.txt").touch()
    with pytest.raises(RefusedError, match=r"not committed: push_datasets/new\.txt"):
        close(folder, path)


def test_a_branch_that_is_there_is_left_alone(folder: Path, tmp_path: Path) -> None:
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    commit_all(folder)
    git(tmp_path, "branch", "review-2031-Q1", "HEAD~1")
    with pytest.raises(RefusedError, match="there is a branch review-2031-Q1 already"):
        close(folder, path)
    assert close(folder, path, "another").branch.name == "another"
    assert git(tmp_path, "rev-parse", "review-2031-Q1") == git(tmp_path, "rev-parse", "HEAD~1")


def test_outside_of_git_nothing_is_closed(tmp_path: Path) -> None:
    folder = written.write_estate(tmp_path)
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    with pytest.raises(RefusedError, match="git rev-parse: not a git repository"):
        close(folder, path)


@pytest.mark.parametrize(
    ("removed", "said"),
    [
        ({"s3://orders-landing/orders/"}, "orders would keep its senders, and no recipient"),
        ({"alpha_user_ana", "alpha_user_ben", "alpha_user_cat"}, "orders would keep its recipient, and no sender"),
    ],
)
def test_what_would_leave_half_a_dataset_is_refused(removed: set[str], said: str, folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda dataset, row: REMOVE if dataset == "orders" and row.who in removed else KEEP)
    commit_all(folder)
    with pytest.raises(DeclarationError, match=said):
        close(folder, path)


def test_an_end_for_some_of_a_datasets_accesses_is_refused(folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda _, row: END if row.role == "user" else KEEP)
    commit_all(folder)
    with pytest.raises(DeclarationError, match="tables ends for all of its accesses on one day"):
        close(folder, path)


def test_declarations_that_git_does_not_look_at_are_not_carried_into_the_branch(folder: Path, tmp_path: Path) -> None:
    git(folder, "update-index", "--assume-unchanged", "push_datasets/a.yaml")
    declaration = folder / "push_datasets" / "a.yaml"
    declaration.write_text(PUSH_FILE.replace("  - alpha_user_cat\n", "  - alpha_user_cat\n  - alpha_user_dan\n"))
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    commit_all(folder)
    with pytest.raises(RefusedError, match="would not say what was decided, 1 time: orders sender alpha_user_dan"):
        close(folder, path)
    assert git(tmp_path, "branch", "--list").split() == ["*", "main"]
