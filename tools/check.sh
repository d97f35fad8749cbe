#!/bin/sh
# Everything that can be said about the code without running it. Each tool runs, then the sum of them decides.
bin=.venv/bin
failed=0
# mypy's Django plugin imports the settings, which ask for these; nothing connects to them.
export SECRET_KEY=checks-need-a-key-but-sign-nothing-0123456789-abcdefghijklmnop ALLOWED_HOSTS=localhost DATABASE_URL=postgres://check@check/check REDIS_URL=redis://check
run() {
  echo "== $*" | cut -c 1-100
  "$@" || failed=1
}
run $bin/ruff check .
run $bin/ruff format --check .
run $bin/mypy
run $bin/lint-imports
# shellcheck disable=SC2046  # template paths hold no spaces
run $bin/djade --check --target-version 6.1 $(git ls-files 'templates/*.html' '*/templates/*.html')
# shellcheck disable=SC2046
run $bin/python tools/templates.py $(git ls-files templates '*/templates/*.html')
run $bin/python tools/messages.py check ${MESSAGES:-}
run $bin/djlint --lint --profile django --quiet templates
run $bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
run $bin/hadolint Dockerfile
exit $failed
