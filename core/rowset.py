"""Many rows in one SQL parameter, as JSON that Postgres expands into typed columns.

Arrays would do the same, but quoting each of their elements costs more than all the rest of a large statement.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def rowset(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the parameter for ``FROM json_to_recordset(%s) AS v(id bigint, …)``; decimals and times are exact text."""
    return json.dumps(list(rows), default=str)
