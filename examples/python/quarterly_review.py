"""A review in Python, cell by cell: run it as a script, or open it as a notebook (Jupytext, VS Code, PyCharm).

AWS is reached the usual way. `EXPORTS_ESTATE` names the estate's folder; otherwise it is looked for from here up.
"""

# %% The estate, and what is wrong with it. Needs no AWS.
import os
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import data_exports

estate = data_exports.open_estate(os.environ.get("EXPORTS_ESTATE", "."))
for finding in estate.check():
    print(finding.severity, finding.code, finding.message)

# %% Who outside the platform may read what, and until when?
for grant in estate.grants():
    if grant.role == "outsider" and "s3:GetObject" in grant.actions:
        print(grant.principal.account, grant.dataset, grant.until or "no end")

# %% Is what is deployed what is declared?
changes = estate.plan().changes
print("deployed as declared" if not changes else f"not as declared: {[step.name for step in changes]}")

# %% Send a file, and wait until it has arrived.
dataset = sys.argv[1] if len(sys.argv) > 1 else "court_hearings"
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "summary.csv"
    file.write_text("month,hearings\n2031-07,412\n", encoding="utf-8")
    (upload,) = estate.send(file, dataset, prefix="reviews", wait=True)
print(upload.key, "has arrived" if upload.is_delivered else f"has not arrived: {upload.receipt}")

# %% What deserves a look?
status = estate.status()
for row in status.datasets:
    for concern in row.concerns(status.at):
        print(f"{row.name}: {concern}")

# %% What left in the last 90 days, by outcome, and how long did it take?
receipts = [entry.receipt for entry in estate.history(dataset, since=datetime.now(UTC) - timedelta(days=90))]
print(dict(Counter(receipt.outcome for receipt in receipts)))
seconds = [
    (datetime.fromisoformat(receipt.delivered_at) - datetime.fromisoformat(receipt.uploaded_at)).total_seconds()
    for receipt in receipts
    if receipt.delivered_at and receipt.uploaded_at
]
print(f"slowest delivery: {max(seconds, default=0):.0f} s")
