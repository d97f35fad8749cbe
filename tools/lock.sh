#!/bin/sh
# Writes the locks. The widest comes first and binds the others, so that no two name different versions.
set -eu
compile() {
  .venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
    --python-version 3.12 "$@"
}
compile --upgrade --extra demo --extra dev pyproject.toml -o requirements-dev.lock
compile --extra demo -c requirements-dev.lock pyproject.toml -o requirements-demo.lock
compile --extra stripe --extra pdf -c requirements-dev.lock pyproject.toml -o requirements.lock
echo "Babel~=2.18" | compile -c requirements-dev.lock - -o requirements-build.lock
