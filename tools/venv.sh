#!/bin/sh
# usage: tools/venv.sh demo|dev
# Makes .venv with a Python that can run the shop and installs the lock of that name, each only when needed.
set -eu
extra=$1
lock=requirements-$extra.lock
ok='import sys, venv, ensurepip, ssl; sys.exit(sys.version_info < (3, 12))'
where='import sys; print(sys.base_prefix)'

usable() { # A named Python that .venv was not made from asks for a new .venv; a broken one does so too.
  .venv/bin/python -c "$ok" >/dev/null 2>&1 || return 1
  [ -z "${PYTHON:-}" ] || [ "$(.venv/bin/python -c "$where")" = "$("$PYTHON" -c "$where" 2>/dev/null)" ]
}

make_venv() {
  if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON" # A named Python is taken or refused, never replaced by another.
  else
    # Candidates are run, never believed: a pyenv shim named python3.13 may exist and still not start.
    # shellcheck disable=SC2046  # version folders hold no spaces; splitting into words is the point
    set -- python3.14 python3.13 python3.12 python3 \
      $(ls -d "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}"/versions/3.*/bin/python 2>/dev/null | sort -rV) \
      "$(uv python find '>=3.12' 2>/dev/null || true)"
  fi
  for candidate; do
    [ -n "$candidate" ] && "$candidate" -c "$ok" >/dev/null 2>&1 || continue
    echo "Making .venv with $("$candidate" -c 'import sys; print("Python", sys.version.split()[0])') ($candidate)"
    "$candidate" -m venv --clear .venv
    return
  done
  echo "The shop needs Python 3.12 or newer with its venv module (on Debian: python3-venv)." >&2
  echo "Install one, or name it: make demo PYTHON=/path/to/python3.13" >&2
  exit 1
}

usable || make_venv
# The stamp is a copy of the lock, so that a changed lock is noticed whatever its date says.
if ! cmp -s "$lock" ".venv/.$extra.lock"; then
  echo "Installing $lock (a minute at most, the first time)"
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
  cp "$lock" ".venv/.$extra.lock"
fi
# Translations are compiled where a catalog is newer than its last result.
for catalog in locale/*/LC_MESSAGES/django.po; do
  if [ ! "${catalog%.po}.mo" -nt "$catalog" ]; then
    .venv/bin/python tools/messages.py compile
    break
  fi
done
