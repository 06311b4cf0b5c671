"""An estate with evidence, deployed on the local AWS, and the installed command over it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_exports.contract.receipts import Outcome, Receipt, receipts_file
from data_exports.local.clients import environment_of
from data_exports.names import NOTARY, RoleName
from tests.emulator.deploying import Ground, write_estate
from tests.envelopes import check_printed
from tests.patience import PATIENCE_SECONDS

EXPORTS = str(Path(sys.executable).parent / "exports")
ANA = RoleName("alpha_user_ana")


@dataclass
class Logged:
    """An estate with evidence, as files, and deployed."""

    ground: Ground
    folder: Path
    keys: dict[str, str] = field(default_factory=dict)
    """Of whoever runs the command; of whoever owns the account when there are none."""

    @property
    def environment(self) -> dict[str, str]:
        """With the installed command in reach."""
        path = f"{Path(EXPORTS).parent}{os.pathsep}{os.environ['PATH']}"
        keys = {"AWS_ACCESS_KEY_ID": str(self.ground.platform.account), "PATH": path}
        return {**os.environ, **environment_of(self.ground.local), **keys, **self.keys}

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """The installed command."""
        done = subprocess.run(
            [EXPORTS, *words, "--estate", str(self.folder)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        check_printed(words, done.stdout, done.stderr, done.returncode)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def notarise(self) -> dict[str, Any]:
        """What the rule does every hour."""
        answer = self.ground.client("lambda").invoke(
            FunctionName=str(NOTARY), Payload=json.dumps({"task": "notarise"}).encode()
        )
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, found
        return found

    @property
    def bucket(self) -> str:
        return str(self.ground.platform.evidence_bucket)

    def put_receipts(self, key: str, body: bytes) -> None:
        self.ground.client("s3").put_object(Bucket=str(self.ground.platform.log_bucket), Key=key, Body=body)

    def add_receipts(self, number: int, identifier: str, now: datetime | None = None) -> tuple[str, bytes]:
        """A file of receipts, as a mover writes it."""
        receipts = [
            Receipt(f"orders/{each}", f"v{each}", '"e"', each, None, None, Outcome.DELIVERED) for each in range(number)
        ]
        key, body = receipts_file(
            receipts,
            dataset="orders",
            destination="s3://theirs",
            mover_version="1",
            now=now or datetime.now(UTC),
            identifier=identifier,
        )
        self.put_receipts(key, body)
        return key, body


def deploy_logged(ground: Ground, folder: Path) -> Logged:
    """Deploy one push dataset, with evidence, from files in this folder."""
    write_estate(folder, ground, names=["orders"], users=[ANA])
    settings = folder / "exports.yaml"
    settings.write_text(settings.read_text() + "  evidence: {lock_days: 30}\n")
    ground.make_roles([ANA])
    found = Logged(ground, folder)
    found.run("deploy")
    return found
