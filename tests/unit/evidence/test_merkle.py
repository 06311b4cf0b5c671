"""The tree: known roots, and proofs of every leaf; as files, by a second and simpler reckoning."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.evidence.merkle import (
    leaf_hash,
    root_between,
    root_over,
    roots_from,
)
from data_exports.evidence.tiles import (
    TILE_WIDTH,
    GrowingTree,
    NotATileError,
    bundle_of,
    entries_in,
    tile_path,
    tiles_at_the_edge,
)

LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Those of the first leaves, so many of them, by which implementations of Certificate Transparency are tested."""


def rfc_root(data: Sequence[bytes]) -> bytes:
    """As RFC 6962 defines it, word for word."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    split = 1
    while split * 2 < len(data):
        split *= 2
    return hashlib.sha256(b"\x01" + rfc_root(data[:split]) + rfc_root(data[split:])).digest()


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_those_that_others_have(size: int) -> None:
    assert root_over([leaf_hash(each) for each in LEAVES[:size]]).hex() == ROOTS[size]
    tree = GrowingTree()
    assert [list(tree.add(each)) for each in LEAVES[:size]] == [[]] * size
    assert tree.root.hex() == ROOTS[size]


def grown(entries: Sequence[bytes]) -> tuple[GrowingTree, dict[str, bytes]]:
    tree, files = GrowingTree(), dict[str, bytes]()
    for entry in entries:
        files.update(tree.add(entry))
    return tree, files | dict(tree.files_at_the_edge())


@given(st.integers(0, 3 * TILE_WIDTH), st.integers(0, 2 * TILE_WIDTH))
def test_a_tree_that_is_read_back_from_its_edge_goes_on_as_if_it_had_never_stopped(before: int, after: int) -> None:
    entries = [str(number).encode() for number in range(before + after)]
    whole, files = grown(entries)
    _, first = grown(entries[:before])
    tree = GrowingTree.read(before, lambda path: first[path])
    more = dict(first)
    for entry in entries[before:]:
        more.update(tree.add(entry))
    more.update(tree.files_at_the_edge())
    assert tree.root == whole.root == rfc_root(entries)
    assert {path: more[path] for path in files} == files


def test_a_level_of_tiles_stands_over_the_one_below() -> None:
    entries = [str(number).encode() for number in range(TILE_WIDTH**2 + 1)]
    tree, files = grown(entries)
    assert len(files) == 2 * (TILE_WIDTH + 1) + 2
    assert files["tile/2/000.p/1"] == root_over([leaf_hash(entry) for entry in entries[:-1]])
    assert tree.root == root_over([leaf_hash(entry) for entry in entries])
    assert list(tiles_at_the_edge(tree.size)) == [(0, 256, 1), (2, 0, 1)]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ((0, 0), "tile/0/000"),
        ((3, 1234067), "tile/3/x001/x234/067"),
        (("entries", 1234067, 5), "tile/entries/x001/x234/067.p/5"),
        ((0, 999, 256), "tile/0/999"),
    ],
)
def test_tiles_lie_where_the_specification_has_them(arguments: tuple[int, int], path: str) -> None:
    assert tile_path(*arguments) == path


@given(st.integers(1, 70))
def test_the_root_over_subtrees_is_that_over_the_leaves(size: int) -> None:
    hashes = [leaf_hash(str(number).encode()) for number in range(size)]

    def node(level: int, number: int) -> bytes:
        return root_over(hashes[number << level : (number + 1) << level])

    assert root_between(node, 0, size) == root_over(hashes)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_is_read_back(entries: list[bytes]) -> None:
    assert entries_in(bundle_of(entries), len(entries)) == entries


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x02a", b"\x00\x01ab", bundle_of([b"a", b"b"])])
def test_what_is_no_bundle_is_refused(body: bytes) -> None:
    with pytest.raises(NotATileError, match="it does not hold 1 whole entries"):
        entries_in(body, 1)


@given(st.data())
def test_some_leaves_and_the_subtrees_beside_them_make_every_root(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 600))
    entries = [b"%d" % number for number in range(size)]
    hashes = [leaf_hash(each) for each in entries]
    leaves = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    sizes = {size, *data.draw(st.sets(st.integers(0, size), max_size=4))}
    asked = list[tuple[int, int]]()

    def subtree(level: int, number: int) -> bytes:
        return root_over(hashes[number << level : (number + 1) << level])

    def noted(level: int, number: int) -> bytes:
        asked.append((level, number))
        return subtree(level, number)

    roots = roots_from(leaves, sizes, lambda number: hashes[number], noted)
    assert roots == {each: rfc_root(entries[:each]) for each in sizes}
    beside = [number for level, at in asked for number in range(at << level, (at + 1) << level)]
    assert beside == sorted(beside)
    assert not set(beside) & set(leaves)
    proof = iter([subtree(*each) for each in asked])
    again = roots_from(leaves, sizes, lambda number: hashes[number], lambda _level, _number: next(proof))
    assert again == roots
    if leaves:
        wrong = data.draw(st.sampled_from(leaves))
        other = roots_from(leaves, sizes, lambda each: bytes(32) if each == wrong else hashes[each], subtree)
        assert other[size] != roots[size]
        assert all((other[each] == roots[each]) == (each <= wrong) for each in sizes)
