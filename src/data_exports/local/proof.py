"""How the local AWS and who started it know each other: each proves that it knows the secret of this start.

In: the secret, who proves, a nonce of the client's. Out: the proof. No effects. So no other program that took the port
first passes for it, and nothing is told to who cannot prove.
"""

import hmac

PROOF_PATH = "/_data-exports/proof"
NONCE_HEADER = "x-data-exports-nonce"
PROOF_HEADER = "x-data-exports-proof"
CLIENT, SERVER = "client", "server"


def proof_of(secret: str, who: str, nonce: str) -> str:
    """What only somebody who knows the secret can say to this nonce."""
    return hmac.digest(secret.encode(), f"data-exports {who} {nonce}".encode(), "sha256").hex()
