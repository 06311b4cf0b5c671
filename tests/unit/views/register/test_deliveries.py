"""What a dataset's page tells of deliveries, day by day."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from html.parser import HTMLParser

from data_exports.estate.commits import Commits
from data_exports.estate.models import PushDataset
from data_exports.estate.promises import Promise
from data_exports.names import DatasetName
from data_exports.operate.daily_sums import CAUSE_LETTERS, MOST_CAUSES, DailySums, DaySum
from data_exports.operate.status import DatasetStatus
from data_exports.operate.traffic import Deliveries
from data_exports.views.register.facts import register_of
from data_exports.views.register.figures import Bar, BarPlot, plot_of_bytes, plot_of_files
from data_exports.views.register.pages import pages_of
from tests.estates import estate_of, pull, push

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SUMS = DailySums(
    date(2026, 11, 19),
    date(2026, 11, 28),
    (
        DaySum(date(2026, 11, 19), 1200, 12_300_000, 0, 0, (), 0.4, 130.0),
        DaySum(date(2026, 11, 24), 0, 0, 3, 1, (("recipient_denied", 2), ("<b>new</b>", 1))),
        DaySum(date(2026, 11, 28), 600, 24_600_000, median_seconds=2.0, longest_seconds=2.0, damaged=4),
    ),
    not_summed=(date(2026, 11, 20), date(2026, 11, 21)),
    earlier=1_200,
)


class Shown(HTMLParser):
    """The text of a page, blanks joined, and its rows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(page)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.text += " | " if tag in ("td", "th") else " "

    def handle_data(self, data: str) -> None:
        self.text += data


def page(sums: DailySums | None, dataset: PushDataset | None = None, status: DatasetStatus | None = None) -> str:
    told = {"hearings": sums} if sums else {}
    statuses = {"hearings": status} if status else {}
    estate = estate_of(dataset or push(), pull())
    register = register_of(estate, Commits(), (), now=NOW, sums=told, statuses=statuses)
    return dict(pages_of(register))["datasets/hearings.html"]


def test_a_page_tells_files_bytes_times_failures_and_what_it_does_not_show() -> None:
    text = Shown(page(SUMS)).text
    for said in (
        "Files a day, 2026-11-19 to 2026-11-28: at most 1,200, on 2026-11-19",
        "Bytes a day, 2026-11-19 to 2026-11-28: at most 24.6 MB, on 2026-11-28",
        "| 2026-11-28 | 600 | 24.6 MB | half within 2 s, the slowest 2 s | damaged receipts: 4",
        "| 2026-11-24 | 0 | 0 B | | 3 files, 1 given up recipient_denied: 2 <b>new</b>: 1",
        "| 2026-11-19 | 1,200 | 12.3 MB | half within 1 s, the slowest 2 min |",
        "Not shown: 1,200 earlier days with receipts, before 2026-11-19.",
        "Not read yet: 2 days with receipts, from 2026-11-20 to 2026-11-21.",
        "4 receipts of these days could not be read, and are in no figure.",
    ):
        assert said in text, text


def test_the_plots_are_plain_svg_that_the_table_stands_for() -> None:
    shown = page(SUMS)
    plots = re.findall(r"<svg.*?</svg>", shown, re.DOTALL)
    assert [plot.count("<rect") for plot in plots] == [2, 2]
    assert all('aria-hidden="true"' in plot and "style" not in plot for plot in plots)
    assert shown.count("<figcaption>") == 2


def test_each_day_has_its_place_and_the_most_is_as_high_as_the_plot() -> None:
    assert plot_of_files(SUMS) == BarPlot(
        (Bar("0.0", "0.0", "51.2", "160.0"), Bar("576.0", "80.0", "51.2", "80.0")), 1200, date(2026, 11, 19)
    )
    assert plot_of_bytes(SUMS).bars[0] == Bar("0.0", "80.0", "51.2", "80.0")
    assert plot_of_files(replace(SUMS, days=())) == BarPlot((), 0, None)


def test_where_nothing_came_it_says_so_and_where_nobody_asked_it_says_that() -> None:
    nothing = Shown(page(DailySums(date(2026, 11, 19), date(2026, 11, 28), ()))).text
    assert "Files a day, 2026-11-19 to 2026-11-28: none" in nothing
    assert "could not be read" not in nothing
    assert "Nobody asked AWS when this was built" in Shown(page(None)).text


def test_a_promise_its_exceptions_and_that_it_is_broken_stand_on_the_page() -> None:
    days = tuple(date(2026, 12, 1) + timedelta(n) for n in range(7))
    dataset = push(due=Promise("daily", time(6), "Europe/London"), no_delivery_on=days)
    status = DatasetStatus(
        DatasetName("hearings"),
        "push",
        "as declared",
        deliveries=Deliveries(NOW - timedelta(days=2), 0, 0, is_partial=False),
        late_since=datetime(2026, 11, 27, 6, tzinfo=UTC),
    )
    text = Shown(page(SUMS, dataset, status)).text
    assert "Promised daily by 06:00 Europe/London, except on 2026-12-01, 2026-12-02" in text
    assert "2026-12-05 and 2 more days" in text
    assert "late since 2026-11-27 06:00:00 UTC: the last delivery came 2 d ago" in text
    assert "no delivery is promised" in Shown(page(SUMS)).text


def test_a_page_of_many_days_stays_small() -> None:
    causes = tuple((f"<{n}>" * (CAUSE_LETTERS // 3), 1) for n in range(MOST_CAUSES))
    days = tuple(DaySum(date(2026, 9, 1) + timedelta(n), 10**9, 10**15, 7, 7, causes, 1.0, 1.0) for n in range(90))
    assert len(page(replace(SUMS, first=days[0].day, days=days)).encode()) < 300_000
