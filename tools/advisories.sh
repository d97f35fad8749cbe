#!/bin/sh
# Compare the locked packages with the public list of advisories. The tool lives in a folder that is deleted afterwards.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/python -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check pip-audit
"$folder/bin/pip-audit" --disable-pip --require-hashes --requirement requirements.lock
