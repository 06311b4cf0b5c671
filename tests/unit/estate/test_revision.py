"""An estate as it was at a git revision: read whole, without the work tree, whatever the tree holds."""

import os
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from data_exports.errors import DeclarationError, UsageError
from data_exports.estate.loader import load_estate
from data_exports.estate.revision import load_revision
from data_exports.limits import DECLARATION_BYTES
from tests.unit.estate.written import PLATFORM, PULL, PUSH, write_estate

TODAY = date(2026, 11, 25)


class Repository:
    """A git repository with an estate in it, on the branch main."""

    def __init__(self, root: Path, folder: str = "") -> None:
        self.root, self.folder = root, root / folder
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        write_estate(self.folder)

    def git(self, *words: str, given: bytes = b"") -> str:
        names = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        people = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        command = ["git", *words]
        environment = {**os.environ, **names, **people}
        run = subprocess.run(command, cwd=self.root, env=environment, input=given, capture_output=True, check=True)
        return run.stdout.decode().strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(params=["", "platforms/our estate"], ids=["root", "subfolder"])
def repository(tmp_path: Path, request: pytest.FixtureRequest) -> Repository:
    return Repository(tmp_path / "repository", request.param)


def test_a_revision_is_read_as_it_was_and_the_work_tree_is_left_as_it_is(repository: Repository) -> None:
    before = load_estate(repository.folder, today=TODAY)
    commit = repository.commit()
    (repository.folder / "push_datasets" / "a.yaml").unlink()
    (repository.folder / "exports.yaml").write_text("changed")
    found = load_revision(repository.folder, "main", today=TODAY)
    assert (found.estate, found.name) == (before.estate, f"main ({commit[:12]})")
    assert repository.git("status", "--porcelain").split() != []


@pytest.mark.parametrize("name", ["HEAD", "main", "v1", "{short}", "HEAD^{{commit}}", "main~0"])
def test_every_way_to_name_a_revision_is_understood(repository: Repository, name: str) -> None:
    commit = repository.commit()
    repository.git("tag", "-a", "-m", "x", "v1")
    assert load_revision(repository.folder, name.format(short=commit[:9])).estate


def test_warnings_have_paths_from_the_estate(repository: Repository) -> None:
    write_estate(repository.folder, push=PUSH.replace("DPIA-1", "TBD"))
    (repository.folder / "push_datasets" / "notes.txt").write_text("x")
    (repository.folder / "more").mkdir()
    (repository.folder / "more" / "b.yaml").write_text(PUSH)
    here = load_estate(repository.folder).findings
    repository.commit()
    found = load_revision(repository.folder, "main").findings
    expected = [(each.place.path.relative_to(repository.folder), each.code, each.message) for each in here]
    assert [(each.place.path, each.code, each.message) for each in found] == expected
    assert len(found) == 3


def test_a_branch_is_compared_with_where_it_left_the_other(repository: Repository) -> None:
    left = repository.commit()
    repository.git("checkout", "--quiet", "-b", "mine")
    repository.git("checkout", "--quiet", "main")
    (repository.folder / "push_datasets" / "other.yaml").write_text(PUSH.replace("name: orders", "name: other"))
    tip = repository.commit()
    repository.git("checkout", "--quiet", "mine")
    found = load_revision(repository.folder, "main")
    assert found.name == f"main as this branch left it ({left[:12]})"
    assert found.estate
    assert [dataset.name for dataset in found.estate.push_datasets] == ["orders"]
    repository.git("merge", "--quiet", "main")
    assert load_revision(repository.folder, "main").name == f"main ({tip[:12]})"


def test_where_there_was_no_estate_there_is_none(repository: Repository) -> None:
    commit = repository.commit()
    elsewhere = repository.root / "new"
    elsewhere.mkdir()
    found = load_revision(elsewhere, "main")
    assert (found.estate, found.findings, found.name) == (None, (), f"main ({commit[:12]})")


def test_errors_in_a_revision_are_named_as_git_names_files(repository: Repository) -> None:
    write_estate(repository.folder, push=PUSH.replace("name: orders", "name: Orders!"))
    commit = repository.commit()
    write_estate(repository.folder)
    with pytest.raises(DeclarationError) as stopped:
        load_revision(repository.folder, "main")
    prefix = f"{repository.folder.relative_to(repository.root)}/".removeprefix("./")
    lines = str(stopped.value).splitlines()
    assert lines[0] == (f"the declarations of main ({commit[:12]}) hold errors, so nobody can tell what they granted")
    assert lines[1].startswith(f"main:{prefix}push_datasets/a.yaml:1:7 EX205 error: 'Orders!'")
    assert lines[-1].startswith("  next: name another revision, or plan against what is deployed")


@pytest.mark.parametrize("name", ["nowhere", "-h", "--output=x", "main:exports.yaml", "", "a b", "HEAD~7", "\x1b[2J"])
def test_a_revision_that_does_not_exist_is_said_to_be_unknown(repository: Repository, name: str) -> None:
    repository.commit()
    with pytest.raises(UsageError) as stopped:
        load_revision(repository.folder, name)
    assert str(stopped.value) == (
        f"--base: git knows no revision {name!r} here\n"
        "  next: name a branch, a tag or a commit that `git log` shows, or fetch it first"
    )


def test_a_branch_that_only_the_origin_has_is_offered(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--no-local", "--branch", "main", str(repository.root), str(clone))
    subprocess.run(["git", "checkout", "--quiet", "-b", "mine"], cwd=clone, check=True)
    subprocess.run(["git", "branch", "--quiet", "-D", "main"], cwd=clone, check=True)
    with pytest.raises(UsageError) as stopped:
        load_revision(clone / repository.folder.relative_to(repository.root), "main")
    assert stopped.value.next_step == "did you mean origin/main?"


def test_a_shallow_clone_is_told_to_fetch_more(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    repository.commit()
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(clone))
    folder = clone / repository.folder.relative_to(repository.root)
    assert load_revision(folder, "HEAD").estate
    with pytest.raises(UsageError, match="this clone is shallow: `git fetch --unshallow`"):
        load_revision(folder, "HEAD~1")


def test_a_folder_in_no_repository_is_said_to_be_in_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UsageError) as stopped:
        load_revision(write_estate(tmp_path / "estate"), "main")
    assert str(stopped.value).startswith(f"{tmp_path}/estate: this folder is in no git work tree: not a git repository")
    assert stopped.value.next_step == "plan against what is deployed instead: `exports plan --live`"


def test_a_machine_without_git_is_told_so(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="git is not installed"):
        load_revision(repository.folder, "main")


def test_gits_variables_of_a_hook_do_not_lead_to_another_repository(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit()
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, ".git")
    # Only `load_revision` may run git here: any other would follow the variables.
    assert load_revision(repository.folder, "main").estate


def _tree(repository: Repository, entries: dict[str, tuple[str, bytes]]) -> None:
    """Commit an estate whose ``push_datasets`` holds these entries (name → mode, content), however strange."""
    lines = []
    for name, (mode, content) in entries.items():
        blob = repository.git("hash-object", "-w", "--stdin", given=content)
        lines.append(f"{mode} blob {blob}\t{name}".encode())
    folder = repository.git("mktree", "-z", given=b"".join(line + b"\0" for line in lines))
    _root(repository, f"040000 tree {folder}")


def _root(repository: Repository, entry: str) -> None:
    """Commit an estate whose ``push_datasets`` is this entry of a tree."""
    settings = repository.git("rev-parse", "HEAD:exports.yaml")
    root = f"100644 blob {settings}\texports.yaml\n{entry}\tpush_datasets\n"
    tree = repository.git("mktree", given=root.encode())
    repository.git("update-ref", "refs/heads/main", repository.git("commit-tree", tree, "-m", "x"))


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "repository")
    repository.commit()
    return repository


@pytest.mark.parametrize("target", ["b.yaml", "../shared.yaml", "../../../../../../etc/passwd"])
def test_a_link_is_refused_wherever_it_leads(target: str, plain: Repository) -> None:
    _tree(plain, {"a.yaml": ("120000", target.encode()), "b.yaml": ("100644", PUSH.encode())})
    with pytest.raises(DeclarationError, match=r"main:push_datasets/a.yaml:1:1 EX102 error: is a symbolic link"):
        load_revision(plain.folder, "main")


def test_a_folder_that_is_a_link_or_a_submodule_is_refused(plain: Repository) -> None:
    target = plain.git("hash-object", "-w", "--stdin", given=b"elsewhere")
    head = plain.git("rev-parse", "HEAD")
    for entry, said in ((f"120000 blob {target}", "a symbolic link"), (f"160000 commit {head}", "a git repository")):
        _root(plain, entry)
        with pytest.raises(DeclarationError, match=f"main:push_datasets:1:1 EX102 error: is {said}"):
            load_revision(plain.folder, "main")


def test_odd_names_and_large_files_are_what_the_loader_says_they_are(plain: Repository) -> None:
    _tree(
        plain,
        {
            "big.yaml": ("100644", b"# " + b"x" * DECLARATION_BYTES),
            "line\nbreak.yaml": ("100644", PUSH.encode()),
            "-rf.yaml": ("100755", PUSH.replace("name: orders", "name: dashes").encode()),
        },
    )
    with pytest.raises(DeclarationError) as stopped:
        load_revision(plain.folder, "main")
    errors = [line for line in str(stopped.value).splitlines() if " error: " in line]
    assert [error.split(" error: ")[0] for error in errors] == ["main:push_datasets/big.yaml:1:1 EX103"]


def test_a_name_that_is_none_is_refused(plain: Repository) -> None:
    """Git's own commands make no such tree, but a hostile server can send one."""
    blob = plain.git("hash-object", "-w", "--stdin", given=PUSH.encode())
    entry = b"100644 ../evil.yaml\0" + bytes.fromhex(blob)
    folder = plain.git("hash-object", "-w", "-t", "tree", "--stdin", "--literally", given=entry)
    settings = bytes.fromhex(plain.git("rev-parse", "HEAD:exports.yaml"))
    root = b"100644 exports.yaml\0" + settings + b"40000 push_datasets\0" + bytes.fromhex(folder)
    tree = plain.git("hash-object", "-w", "-t", "tree", "--stdin", "--literally", given=root)
    plain.git("update-ref", "refs/heads/main", plain.git("commit-tree", tree, "-m", "x"))
    with pytest.raises(UsageError, match="which is no file name"):
        load_revision(plain.folder, "main")


def test_attributes_of_the_repository_hide_and_change_nothing(plain: Repository) -> None:
    """As ``git archive`` would, which leaves out what the attribute export-ignore names."""
    (plain.folder / ".gitattributes").write_text("*.yaml export-ignore export-subst filter=evil\n")
    plain.commit()
    assert load_revision(plain.folder, "main").estate == load_estate(plain.folder).estate


def test_content_that_git_has_not_got_is_said_to_be_missing(plain: Repository) -> None:
    blob = plain.git("rev-parse", "HEAD:push_datasets/a.yaml")
    (plain.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(UsageError) as stopped:
        load_revision(plain.folder, "main")
    assert "git" in str(stopped.value)
    assert "Traceback" not in str(stopped.value)


CHANGES = {
    "nothing": lambda folder: None,
    "another dataset": lambda folder: (folder / "push_datasets" / "n.yaml").write_text(PUSH.replace("orders", "new")),
    "one file less": lambda folder: (folder / "pull_datasets" / "b.yaml").unlink(),
    "one file changed": lambda folder: (folder / "push_datasets" / "a.yaml").write_text(PUSH.replace("DPIA-1", "TBD")),
    "moved": lambda folder: (folder / "push_datasets" / "a.yaml").rename(folder / "push_datasets" / "z.yaml"),
    "swapped names": lambda folder: (
        (folder / "pull_datasets" / "b.yaml").write_text(PULL.replace("tables", "orders")),
        (folder / "push_datasets" / "a.yaml").write_text(PUSH.replace("orders", "tables")),
    ),
    "platform": lambda folder: write_estate(folder, platform=PLATFORM.replace("alpha_user_*", "alpha_*")),
}


@pytest.mark.parametrize("change", list(CHANGES.values()), ids=list(CHANGES))
def test_reading_only_the_files_that_differ_gives_the_same(
    repository: Repository, change: Callable[[Path], object]
) -> None:
    write_estate(repository.folder, push_datasets__c=PUSH.replace("orders", "third").replace("DPIA-1", "TBD"))
    repository.commit()
    whole = load_revision(repository.folder, "main", today=TODAY)
    change(repository.folder)
    here = load_estate(repository.folder, today=TODAY)
    assert here.estate
    quick = load_revision(repository.folder, "main", here=here, today=TODAY)
    assert quick == whole
    assert len(quick.findings) == 1


def test_a_dataset_that_got_anothers_name_is_still_told_from_it(plain: Repository) -> None:
    """At the revision one file held the name that an unchanged file would have to share: read anew, and refused."""
    (plain.folder / "push_datasets" / "z.yaml").write_text(PUSH)
    plain.commit()
    (plain.folder / "push_datasets" / "z.yaml").write_text(PUSH.replace("orders", "other"))
    here = load_estate(plain.folder)
    assert here.estate
    with pytest.raises(DeclarationError, match="EX401 error: the name 'orders' is taken"):
        load_revision(plain.folder, "main", here=here)
