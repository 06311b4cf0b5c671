"""``python -m data_exports`` is the ``exports`` command."""

import sys

from data_exports.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
