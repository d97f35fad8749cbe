"""What an audit is made of: equations in plain SQL, and the world of rows they are checked in.

A world is the beginning of a statement, ``WITH …``. The common one has all rows. Another one may put fewer rows in the
place of a table, under its name: the same equations then say whether these rows are sound.
"""

# ruff: noqa: S608  # Statements are put together from constants of this project; nothing from outside reaches them.

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, transaction

#: At most so many broken rows are named; all of them are counted.
NAMED = 50


@dataclass(frozen=True)
class Equation:
    """``counted`` selects how many rows are checked, ``broken`` the rows (what, why) that contradict ``says``.

    One that is not about rows, but about what guards them, is the same in every world.
    """

    name: str
    says: str
    counted: str
    broken: str
    is_about_rows: bool = True


@dataclass(frozen=True)
class Part:
    """One equation about the rows of a :class:`Together`, which its SQL calls ``r``.

    ``counted`` is the condition of the rows that it is about, ``broken`` that of those that contradict it.
    """

    name: str
    says: str
    counted: str
    broken: str
    what: str
    why: str


@dataclass(frozen=True)
class Together:
    """Equations about the same ``rows``, a SELECT that is run once for all of them, and again to name what broke."""

    rows: str
    parts: tuple[Part, ...]


def is_about_rows(e: Equation | Together) -> bool:
    """False for an equation about what guards the rows."""
    return isinstance(e, Together) or e.is_about_rows


@dataclass(frozen=True)
class Finding:
    name: str
    says: str
    looked_at: int
    broken: int
    rows: list[tuple[str, str]]

    @property
    def holds(self) -> bool:
        return self.broken == 0

    def as_facts(self) -> dict[str, Any]:
        rows = [{"what": what, "why": why} for what, why in self.rows]
        return {"name": self.name, "equation": self.says, "holds": self.holds} | {
            "looked_at": self.looked_at,
            "broken": self.broken,
            "rows": rows,
        }


#: All rows. ``moved`` has the sum and number of all transfers of each account, and the sum of those that a gateway may
#: have; ``new_line`` the lines to check, ``previous_line`` those that come before them, ``new_transfer`` the transfers
#: they are of; ``open_holds`` what all holds still hold.
MOVED = """
    flow AS (
        SELECT source_id, target_id, code, sum(amount) AS amount, count(*) AS n FROM {transfers} GROUP BY 1, 2, 3
    ),
    {name} AS (
        SELECT account_id, sum(amount) AS amount, sum(of_gateway) AS of_gateway, sum(n) AS n FROM (
            SELECT source_id, -amount,
                   CASE WHEN code IN ('topup', 'topup_fee', 'chargeback_back', 'loss_back') THEN -amount ELSE 0 END, n
            FROM flow
            UNION ALL
            SELECT target_id, amount,
                   CASE WHEN code IN ('chargeback', 'chargeback_loss', 'fee', 'topup_refund') THEN amount ELSE 0 END, n
            FROM flow
        ) side (account_id, amount, of_gateway, n) GROUP BY 1
    )
"""
EVERYTHING = f"""
    WITH {MOVED.format(name="moved", transfers="billing_transfer")},
    new_line AS NOT MATERIALIZED (SELECT * FROM billing_walletline),
    previous_line AS NOT MATERIALIZED (SELECT * FROM billing_walletline),
    new_transfer AS NOT MATERIALIZED (SELECT * FROM billing_transfer),
    open_holds AS (SELECT coalesce(sum(charged - earned - refunded), 0) AS held FROM billing_hold)
"""


@contextmanager
def one_snapshot(exported: str | None = None) -> Iterator[str | None]:
    """Let all that is read in the block be of one moment, with memory enough for sums over every row.

    Yields the snapshot's name, under which another session may enter the same moment as ``exported``. Inside a
    transaction it is that transaction's moment, as far as its isolation gives one, and has no name. Several processes
    share the work, but no table of a hash join: in a container, shared memory is far smaller than what such a table may
    take.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        name = None
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if exported is not None:
                cursor.execute("SET TRANSACTION SNAPSHOT %s", [exported])
            cursor.execute("SELECT pg_export_snapshot()")
            [name] = cursor.fetchone()
        # For a million orders, joins in the order of indexes are quicker than tables of hashes larger than this.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("SET LOCAL hash_mem_multiplier = 1")
        cursor.execute("SET LOCAL jit = off")
        # The rows of an order were written one after the other: reading them along an index is hardly random.
        cursor.execute("SET LOCAL random_page_cost = 1")
        cursor.execute("SET LOCAL enable_parallel_hash = off")
        yield name


def check(equations: Iterable[Equation | Together], world: str = EVERYTHING) -> list[Finding]:
    """Recompute each equation in ``world``; return what was found, in the same order.

    Two sessions take one equation after the other, both in one snapshot. Inside a transaction this one does it alone,
    since no other sees its rows.
    """
    left = deque(enumerate(equations))
    found: dict[int, list[Finding]] = {}

    def work() -> None:
        while True:
            try:
                place, e = left.popleft()
            except IndexError:
                return
            found[place] = _check_together(e, world) if isinstance(e, Together) else [_check_alone(e, world)]

    def help_in(exported: str) -> None:
        try:
            with one_snapshot(exported):
                work()
        finally:
            connection.close()

    with one_snapshot() as name:
        if name is None:
            work()
        else:
            with ThreadPoolExecutor(1, thread_name_prefix="audit") as pool:
                helper = pool.submit(help_in, name)
                work()
                helper.result()
    return [finding for _place, findings in sorted(found.items()) for finding in findings]


def check_at_once(equations: Iterable[Equation | Together], world: str) -> list[Finding]:
    """As ``check``, but in one statement: for a world of few rows, each of which is then selected once."""
    chosen = list(equations)
    parts = " UNION ALL ".join(f"SELECT * FROM ({_numbers(e)}) part{place}" for place, e in enumerate(chosen))
    with one_snapshot():
        numbers = {name: (looked_at, broken) for name, looked_at, broken in _rows(f"{world} {parts}")}
        found = []
        for e in chosen:
            named = e.parts if isinstance(e, Together) else (e,)
            if any(numbers[part.name][1] for part in named):
                found += check([e], world)
            else:
                found += [Finding(part.name, part.says, *numbers[part.name], []) for part in named]
        return found


def _numbers(e: Equation | Together) -> str:
    """Return a SELECT of name, rows looked at and broken rows of each equation."""
    if isinstance(e, Equation):
        return f"SELECT '{e.name}'::text, ({e.counted}), (SELECT count(*) FROM ({e.broken}) broken)"
    values = ", ".join(f"('{part.name}'::text, looked_at{n}, broken{n})" for n, part in enumerate(e.parts))
    return f"SELECT v.* FROM ({_counts(e)}) c CROSS JOIN LATERAL (VALUES {values}) v(name, looked_at, broken)"


def _counts(e: Together) -> str:
    counts = ", ".join(
        f"count(*) FILTER (WHERE {part.counted}) AS looked_at{n}, count(*) FILTER (WHERE {part.broken}) AS broken{n}"
        for n, part in enumerate(e.parts)
    )
    return f"SELECT {counts} FROM ({e.rows}) r"


def _check_alone(e: Equation, world: str) -> Finding:
    # Found first and limited then: a plan for the first rows would be a poor one for all of them.
    rows = _rows(f"""
        {f"{world}," if e.is_about_rows else "WITH"} found (what, why) AS MATERIALIZED ({e.broken})
        SELECT looked_at, broken, what, why
        FROM ({e.counted}) c(looked_at) CROSS JOIN (SELECT count(*) FROM found) n(broken)
        LEFT JOIN (SELECT * FROM found LIMIT {NAMED}) f ON true
    """)
    looked_at, broken = rows[0][:2]
    return Finding(e.name, e.says, looked_at, broken, [(what, why) for *_numbers, what, why in rows] if broken else [])


def _check_together(e: Together, world: str) -> list[Finding]:
    [numbers] = _rows(f"{world} {_counts(e)}")
    named = _rows(f"{world} {_together(e)}") if any(numbers[1::2]) else []
    return [
        Finding(
            part.name, part.says, looked_at, broken, [(what, why) for name, what, why in named if name == part.name]
        )
        for part, looked_at, broken in zip(e.parts, numbers[::2], numbers[1::2], strict=True)
    ]


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _together(e: Together) -> str:
    # The rows are filtered by all conditions first; words are found only for those that are left.
    conditions = " OR ".join(f"({part.broken})" for part in e.parts)
    each = ", ".join(f"('{part.name}', ({part.broken}), {part.what}, {part.why})" for part in e.parts)
    return f"""
        SELECT name, what, why FROM (
            SELECT f.name, f.what, f.why,
                   row_number() OVER (PARTITION BY f.name ORDER BY length(f.what), f.what) AS place
            FROM ({e.rows}) r CROSS JOIN LATERAL (VALUES {each}) f(name, is_broken, what, why)
            WHERE ({conditions}) AND f.is_broken
        ) b WHERE place <= {NAMED} ORDER BY name, place
    """


def guards(room: str, triggers: dict[str, str]) -> Equation:
    """Return the equation that every guard of a room is there: ``triggers`` maps each trigger to its table.

    The rules of rows are those of the room's models: checks, unique indexes, and columns that are unique.
    """
    wanted = ", ".join(f"('{table}', '{trigger}')" for trigger, table in triggers.items())
    rules = [(m._meta.db_table, c.name) for m in apps.get_app_config(room).get_models() for c in m._meta.constraints]
    named = ", ".join(f"('{table}', '{name}')" for table, name in rules)
    # A primary key has its constraint as well, and nobody loses one unnoticed.
    columns = [
        (m._meta.db_table, f.column)
        for m in apps.get_app_config(room).get_models()
        for f in m._meta.local_fields
        if f.unique and not f.primary_key
    ]
    # A room may have none, and SQL knows no empty list of values.
    unique = ", ".join(f"('{table}', '{column}')" for table, column in columns) or "(NULL, NULL)"
    return Equation(
        f"{room}_guards",
        "the triggers and constraints that guard the rows are there and enabled",
        f"SELECT {len(triggers) + len(rules) + len(columns)}",
        f"""
        SELECT 'trigger ' || w.name, CASE WHEN t.oid IS NULL THEN 'missing' ELSE 'disabled' END
        FROM (VALUES {wanted}) w(tab, name)
        LEFT JOIN pg_trigger t ON t.tgname = w.name AND t.tgrelid = to_regclass(w.tab)
        WHERE t.oid IS NULL OR t.tgenabled NOT IN ('O', 'A')
        UNION ALL
        SELECT 'constraint ' || w.name, 'missing, or not in force'
        FROM (VALUES {named}) w(tab, name)
        WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c
                          WHERE c.conname = w.name AND c.conrelid = to_regclass(w.tab) AND c.convalidated)
          AND NOT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
                          WHERE k.relname = w.name AND i.indrelid = to_regclass(w.tab)
                            AND i.indisunique AND i.indisvalid)
        UNION ALL
        SELECT 'unique column ' || w.tab || '.' || w.col, 'not unique any more'
        FROM (VALUES {unique}) w(tab, col)
        WHERE w.tab IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_index i
                          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                          WHERE i.indnkeyatts = 1 AND i.indrelid = to_regclass(w.tab) AND a.attname = w.col
                            AND i.indisunique AND i.indisvalid AND i.indpred IS NULL)
        """,
        is_about_rows=False,
    )
