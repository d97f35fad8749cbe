import subprocess

from tests.ops.tools import ROOT, tool


def test_import_contracts_hold() -> None:
    done = subprocess.run([tool("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
