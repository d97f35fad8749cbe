"""Many rows in one parameter: as JSON, which Postgres unfolds into columns with types.

Arrays would say the same, but quoting each of their elements costs more than all the rest of a large statement.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def rowset(rows: Iterable[Mapping[str, Any]]) -> str:
    """The parameter for ``FROM json_to_recordset(%s) AS v(id bigint, …)``. Decimals and times travel as exact text."""
    return json.dumps(list(rows), default=str)
