"""A sender without a clone of the declarations: in any folder, with their own rights, on the deployed example."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_exports.contract.keys import card_key_of
from data_exports.deploy.plan.consents import Consent
from data_exports.local.clients import client
from data_exports.local.emulator import LocalAws
from data_exports.stacks.card import card_of, estate_of_card
from tests.emulator.deployed import DeployedEstate
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.installed import EXPORTS, Done, user_of
from tests.envelopes import check_printed
from tests.estates import push
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("operate")]

ANNIKA = "alpha_user_annika-lindqvist"
USE = ("use", "mojap-hub-exports", "--region", "eu-west-1")


@dataclass(frozen=True)
class Elsewhere:
    """A sender in a folder of their own, with nothing of the platform's in it."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, **changes: str) -> Done:
        done = subprocess.run(
            [EXPORTS, *words],
            cwd=self.folder,
            env=self.environment | changes,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert "Traceback" not in done.stderr, done.stderr
        check_printed(words, done.stdout, done.stderr, done.returncode)
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def annika(operated_example: DeployedEstate, tmp_path: Path) -> Elsewhere:
    environment = user_of(operated_example, ANNIKA).environment(XDG_CONFIG_HOME=str(tmp_path / "settings"))
    environment.pop("EXPORTS_ESTATE", None)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "from anywhere.csv").write_text("case,room\n", encoding="utf-8")
    return Elsewhere(tmp_path / "here", environment)


def test_a_sender_uses_the_platform_and_sends_and_asks_from_any_folder(annika: Elsewhere) -> None:
    used = annika.run(*USE)
    assert used.code == 0, used.err
    assert used.lines == ["mojap-hub-exports  hub mojap-hub-exports, eu-west-1, account 593291632749"]

    sent = annika.run("send", "from anywhere.csv", "court_hearings", "--prefix", "anywhere", "--wait")
    assert sent.code == 0, sent.err
    assert sent.lines[1].split()[2:] == ["delivered", "10", "B", "court_hearings/anywhere/from", "anywhere.csv"]

    history = annika.run("history", "court_hearings", "--key", "anywhere/*")
    assert (history.code, history.err) == (0, "")
    assert history.lines[1].endswith(f"court_hearings/anywhere/from anywhere.csv  by {ANNIKA} (local)")
    assert annika.run("failures", "court_hearings").code == 0

    status = annika.run("status", "court_hearings", "--json")
    assert (status.code, status.err) == (0, "")
    (row,) = json.loads(status.out)["datasets"]
    assert (row["dataset"], row["state"]) == ("court_hearings", "as declared")

    listed = json.loads(annika.run("use", "--json").out)["platforms"]
    assert [(each["name"], each["datasets"]) for each in listed] == [("mojap-hub-exports", ["court_hearings"])]
    completed = annika.run(_EXPORTS_COMPLETE="complete_bash", COMP_WORDS="exports history cou", COMP_CWORD="2")
    assert completed.lines == ["court_hearings"]


def test_with_neither_a_clone_nor_a_platform_both_ways_are_said(annika: Elsewhere) -> None:
    done = annika.run("send", "from anywhere.csv", "court_hearings")
    assert (done.code, done.out) == (2, "")
    assert "no exports.yaml here or in any parent folder, and no platform is remembered" in done.err
    assert "go to a clone of the declarations, or name it with --estate; without one: `exports use HUB`" in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["send", "from anywhere.csv"], 2, "without a clone, name the dataset of mojap-hub-exports"),
        (["history"], 2, "no dataset is named"),
        (["send", "from anywhere.csv", "prison_population"], 1, "there is none, or others send to it"),
        (["status", "nothing"], 1, "there is none, or others send to it"),
        (["failures", "Court"], 2, "is not a dataset name"),
        (["history", "court_hearings", "--platform", "other"], 2, 'there are: "mojap-hub-exports"'),
        (["history", "court_hearings", "--platform", "x", "--estate", "y"], 2, "exclude each other"),
    ],
)
def test_what_cannot_be_done_without_a_clone_is_said_with_a_next_step(
    annika: Elsewhere, words: list[str], code: int, said: str
) -> None:
    assert annika.run(*USE).code == 0
    done = annika.run(*words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "  next: " in done.err


def test_platforms_are_named_chosen_and_forgotten(annika: Elsewhere) -> None:
    assert annika.run(*USE, "--name", "justice").code == 0
    assert annika.run("use", "another-hub", "--region", "eu-west-2", "--account", "111122223333").code == 0
    several = annika.run("history", "court_hearings")
    assert (several.code, 'choose one with --platform: "another-hub", "justice"' in several.err) == (2, True)
    assert annika.run("history", "court_hearings", "--platform", "justice").code == 0
    assert annika.run("use", "--forget", "another-hub").code == 0
    assert annika.run("history", "court_hearings").code == 0
    assert annika.run("use", "--forget", "justice").out == "no platform is remembered: exports use HUB\n"


def test_without_a_place_for_settings_it_is_said_what_to_set(annika: Elsewhere) -> None:
    for settings in ("", "relative/settings"):
        done = annika.run(*USE, HOME="/dev/null", XDG_CONFIG_HOME=settings)
        assert (done.code, done.out) == (2, "")
        assert "error: /dev/null/.config/data-exports: the platform cannot be remembered: Not a directory" in done.err
        assert "  next: set XDG_CONFIG_HOME, or HOME, to a folder of your own" in done.err
    assert [path.name for path in annika.folder.iterdir()] == ["from anywhere.csv"]


def test_a_card_comes_with_the_stack_is_put_back_when_lost_and_goes_with_the_dataset(
    local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]
) -> None:
    ground = ground_of(local_aws, unique_account(), unique("n"))
    estate = ground.estate(push("orders"), push("moves"))
    ground.make_users_of(estate)
    orders = estate.push_datasets[1]
    assert ground.deploy(estate).is_complete
    assert cards(ground) == ["moves", "orders"]
    where = {"Bucket": f"{ground.platform.hub_bucket}-log", "Key": card_key_of("orders")}
    s3 = client(local_aws, "s3", account=ground.platform.account)
    text = s3.get_object(**where)["Body"].read().decode()
    assert text == card_of(ground.platform, orders)
    assert estate_of_card(text, orders.name).push_datasets == (orders,)

    s3.delete_object(**where)
    assert ground.deploy(estate).is_complete
    assert s3.get_object(**where)["Body"].read().decode() == text

    assert ground.deploy(ground.estate(push("moves")), allow=set(Consent)).is_complete
    assert cards(ground) == ["moves"]


def cards(ground: Ground) -> list[str]:
    """The datasets that have a card."""
    found = ground.client("s3").list_objects_v2(Bucket=f"{ground.platform.hub_bucket}-log", Prefix="deliveries/")
    keys = [each["Key"] for each in found.get("Contents", [])]
    return [key.split("=")[1].removesuffix("/card.json") for key in keys if key.endswith("/card.json")]
