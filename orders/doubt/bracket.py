"""How doubts are decided by the ids around them. Pure: a picture goes in, verdicts come out.

The argument: ids are one growing counter, so whatever an attempt placed lies between an own id known before it was
sent and an own id sent T_settle later. Ids of other customers are refused. So every own id that nobody explains was
placed by one of the attempts that could have placed it (`owners`). Where only one could, it did (`placed_rule`). Where
a doubt's bracket was searched twice and holds nothing that the doubt could have placed, nothing was placed
(`not_placed_rule`). Nothing is ever concluded from the order of ids.
"""

from dataclasses import replace

from orders.doubt import missing_charges, not_placed_rule, owners, passes, placed_rule
from orders.doubt.owners import Owned
from orders.doubt.picture import AskOwner, Picture, ProvenNotPlaced, ProvenPlaced, UncertainAttempt, Verdict, Wait
from orders.states import Explanation


def judge(picture: Picture) -> list[Verdict]:
    """Return one verdict for each open doubt, and any contradictions. Placed verdicts come before negative ones.

    Each verdict takes an owner away, which may decide another doubt; so everything is looked at again after each.
    """
    owned = owners.ownership(picture)
    verdicts: list[Verdict] = [*placed_rule.contradictions(picture, owned)]
    while (verdict := next_verdict(picture, owned)) is not None:
        verdicts.append(verdict)
        picture = _after(picture, verdict)
        owned = owners.ownership(picture)
    return verdicts + [_undecided(picture, a, owned) for a in picture.attempts if a.is_open]


def next_verdict(picture: Picture, owned: Owned) -> ProvenPlaced | ProvenNotPlaced | None:
    """Return the next verdict to be reached, the surest kind first; None when there is none."""
    placed = placed_rule.next_placed(picture, owned) or placed_rule.next_by_quantity(picture, owned)
    return placed or not_placed_rule.next_not_placed(picture)


def why(picture: Picture, attempt: UncertainAttempt, owned: Owned | None = None) -> str:
    """Return one machine word for what keeps this doubt open.

    ``owned`` is the picture's :func:`owners.ownership`, where it is known.
    """
    if attempt.is_contradicted:
        return "contradicted"
    if attempt.low is None:
        return "no_own_id_before"
    if attempt.high is None:
        return "no_own_id_after"
    if attempt.high - attempt.low - 1 > picture.widest:
        return "too_wide"
    if passes.passes_over(attempt, picture) is None:
        return "not_searched"
    blocking = list(not_placed_rule.blocking(attempt, picture))
    if attempt.was_paid_for and not blocking:
        return "paid_for"
    owned = owners.ownership(picture) if owned is None else owned
    if picture.now < placed_rule.stopped_until(picture, owned):
        return "stopped"
    return missing_charges.CHARGE_UNKNOWN if any(map(missing_charges.awaits_charge, blocking)) else "ambiguous"


def _undecided(picture: Picture, attempt: UncertainAttempt, owned: Owned) -> Wait | AskOwner:
    reason = why(picture, attempt, owned)
    settled = attempt.last_sent + picture.times.settle
    # An owner who is asked before the charge is known has to find it out himself, so there is more patience with it.
    patience = picture.times.review * (4 if reason == missing_charges.CHARGE_UNKNOWN else 1)
    spent = picture.now >= settled + patience or attempt.is_contradicted
    spent = spent or (reason in ("too_wide", "paid_for") and picture.now >= settled)
    return AskOwner(attempt.key, reason) if spent else Wait(attempt.key, reason)


def _after(picture: Picture, verdict: ProvenPlaced | ProvenNotPlaced) -> Picture:
    """Return the picture once the verdict is carried out."""
    attempts = tuple(a for a in picture.attempts if a.key != verdict.attempt)
    if isinstance(verdict, ProvenNotPlaced):
        parents = tuple(p for p in picture.parents if p.number is not None or p.key != verdict.attempt)
        return replace(picture, attempts=attempts, parents=parents)
    ids = tuple(
        replace(own, explained=Explanation.ATTEMPT) if own.number == verdict.number else own for own in picture.ids
    )
    return replace(picture, attempts=attempts, ids=ids)
