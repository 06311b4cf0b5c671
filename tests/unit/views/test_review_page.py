"""The page of a review to sign: readable without knowing AWS, complete, and nothing but text whatever people wrote."""

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

from data_exports.names import AccountId, AccountRootArn
from data_exports.reviews.models import KEEP, Review
from data_exports.reviews.rows import review_of_estate
from data_exports.views.review_page import review_page
from tests.estates import FULL, PLATFORM, estate_of, pull, push

HOSTILE = "<script src=//x>alert(1)</script> \" ' & </td></table><img src=x onerror=y> {{ 7*7 }} \x1b[31m\u202e"


CELLS = ("td", "th", "dd", "dt", "p")


class Page(HTMLParser):
    """The tags of a page with their attributes, and the text in its cells and entries."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.cells: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag in CELLS:
            self.cells.append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in CELLS

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def review_of_full(text: str = "") -> Review:
    estate = FULL
    if text:
        platform = replace(PLATFORM, account_names=((AccountId("754256621582"), text),))
        estate = estate_of(push(owner=text, paperwork=(text,)), pull(), platform=platform)
    return review_of_estate(estate, Path("2026-Q4.yaml"), today=date(2026, 11, 29), due=date(2026, 12, 31))


def decided(review: Review, by: str, reason: str) -> Review:
    datasets = (
        replace(dataset, accesses=tuple(replace(row, decision=KEEP, by=by, reason=reason) for row in dataset.accesses))
        for dataset in review.datasets
    )
    return replace(review, datasets=tuple(datasets))


def test_every_access_has_a_row_to_decide_on_and_there_is_a_place_to_sign() -> None:
    review = review_of_full()
    page = Page(review_page(review))
    assert page.cells.count("☐ keep ☐ until: ________ ☐ remove") == len(list(review.rows()))
    assert [cell for cell in page.cells if cell.startswith("recipient")] == [
        'recipient: "Cloud Platform" (754256621582), bucket cp-hearings',
        'recipient: "Cloud Platform" (754256621582), bucket cp-hearings',
        "recipient: an account that is not named, bucket cp-hearings",
    ]
    assert 'irsa-reader, outside role of "Cloud Platform" (754256621582)' in page.cells
    assert "For data protection" in page.cells


def test_it_speaks_of_nothing_that_only_aws_knows() -> None:
    page = review_page(review_of_full())
    assert [word for word in ("arn:", "s3://", "s3:", "receipts/", "checkpoints", "-log", "sqs") if word in page] == []


def test_a_decision_stands_with_who_decided_and_why() -> None:
    page = Page(review_page(decided(review_of_full(), "Ana", "asked")))
    place = page.cells.index("keep")
    assert page.cells[place : place + 3] == ["keep", "Ana", "asked"]
    total = len(list(review_of_full().rows()))
    assert f"{total} of {total} accesses" in page.cells


def test_a_whole_account_is_everybody_whom_it_lets() -> None:
    estate = estate_of(pull(outsiders=(AccountRootArn("arn:aws:iam::754256621582:root"),)))
    page = Page(review_page(review_of_estate(estate, Path("x.yaml"), today=date(2026, 11, 29))))
    assert 'everybody whom "Cloud Platform" (754256621582) lets' in page.cells


def test_what_people_wrote_stays_text_and_nothing_is_asked_of_anybody() -> None:
    hostile = Page(review_page(decided(review_of_full(HOSTILE), HOSTILE, HOSTILE)))
    harmless = Page(review_page(decided(review_of_full("x"), "x", "x")))
    assert [tag for tag in hostile.tags if tag[0] != "style"] == [tag for tag in harmless.tags if tag[0] != "style"]
    names = {name for _, attributes in hostile.tags for name, _ in attributes}
    assert names & {"src", "href", "style", "action", "onerror", "onload"} == set()
    policies = [value for _, attributes in hostile.tags for name, value in attributes if name == "content"]
    assert str(policies[0]).startswith("default-src 'none'; style-src 'sha256-")
