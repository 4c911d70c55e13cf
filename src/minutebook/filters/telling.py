"""A part of a filter as people read it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from minutebook.filters import language
from minutebook.filters.clause import Clause, listed
from minutebook.filters.expression import AllOf, AnyOf, Expression, Not, Term
from minutebook.filters.terms import TERMS

TURNED = {
    "is": "is not",
    "in": "is not in",
    "contains": "does not contain",
    "matches": "does not match",
    "any of": "none of",
    "all of": "not all of",
}


def clause_of(part: Expression, zone: ZoneInfo) -> Clause:
    """`outcome is failure or denied`, `actor is not ci@x.example`; what is more intricate, as it is written."""
    match part:
        case Term(key, value):
            return TERMS[key].clause(value, zone)
        case Not(of):
            clause = clause_of(of, zone)
            if clause.operator in TURNED:
                return clause._replace(operator=TURNED[clause.operator])
        case AnyOf(parts):
            clauses = [clause_of(one, zone) for one in parts if isinstance(one, Term)]
            alike = {(clause.subject, clause.operator) for clause in clauses}
            if len(clauses) == len(parts) and len(alike) == 1 and clauses[0].operator:
                return clauses[0]._replace(value=listed([clause.value for clause in clauses], "or"))
            return Clause("", "any of", language.write(part, zone))
        case AllOf():
            return Clause("", "all of", language.write(part, zone))
    return Clause("", "", language.write(part, zone))
