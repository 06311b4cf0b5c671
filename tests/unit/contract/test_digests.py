import base64
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from data_exports.contract.digests import digest_column_of, digests_in

SHA256 = base64.b64encode(hashlib.sha256(b"123456789").digest()).decode()
CRC64NVME = base64.b64encode((0xAE8B14860A799888).to_bytes(8, "big")).decode()


def test_a_column_lists_digests_by_algorithm_as_s3_calls_and_writes_them() -> None:
    column = f"CRC64NVME:{CRC64NVME} SHA256:{SHA256}"
    assert digest_column_of({"SHA256": SHA256, "CRC64NVME": CRC64NVME}) == column
    assert digests_in(column) == {"CRC64NVME": CRC64NVME, "SHA256": SHA256}


def test_what_is_no_digest_of_the_whole_file_is_left_out() -> None:
    assert digest_column_of({"SHA256": f"{SHA256}-3", "CRC32": "", "MD5": "a b", "X:Y": "AAAA", "crc32": "AAAA"}) == ""
    assert digests_in(f"SHA256:{SHA256}-3 CRC32: rubbish  blake3:AAAA CRC32C:yZRlqg==") == {"CRC32C": "yZRlqg=="}


def test_no_column_holds_no_digest() -> None:
    assert (digest_column_of({}), digests_in(None), digests_in("")) == ("", {}, {})


NAMES = st.from_regex(r"[A-Z][A-Z0-9]{0,9}", fullmatch=True)
VALUES = st.binary(min_size=1, max_size=64).map(lambda each: base64.b64encode(each).decode())


@given(st.dictionaries(NAMES, VALUES))
def test_a_column_is_read_as_it_was_written(values: dict[str, str]) -> None:
    assert digests_in(digest_column_of(values)) == values


@given(st.text(max_size=40))
def test_any_column_is_read(column: str) -> None:
    assert digests_in(digest_column_of(digests_in(column))) == digests_in(column)
