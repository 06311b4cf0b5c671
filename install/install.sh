#!/usr/bin/env bash
# Install this commit of data-exports, its dependencies by hash, into $RUNNER_TEMP/data-exports; `exports` is in on-path/.
# -I: nothing that lies in the checkout, such as a pip.py, is taken for a module.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
into=$RUNNER_TEMP/data-exports
python -I -m venv "$into"
"$into/bin/python" -I -m pip install --quiet --require-hashes -r "$top/requirements/runtime.txt"
echo "$top/src" > "$("$into/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/data-exports.pth"
mkdir -p "$into/on-path"
printf '#!/bin/sh\nexec "%s" -I -m data_exports "$@"\n' "$into/bin/python" > "$into/on-path/exports"
chmod +x "$into/on-path/exports"
