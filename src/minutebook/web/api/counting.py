"""How many events a filter finds: all of them, by what there is to choose from, and over time."""

from __future__ import annotations

import itertools
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from minutebook.filters.buckets import buckets_of
from minutebook.model import rfc3339
from minutebook.permissions import Permission
from minutebook.store import log, search, survey
from minutebook.store.scope import Scope
from minutebook.web.api.answers import Bucket, Count, Facets, FacetValue, Histogram
from minutebook.web.api.parameters import ZONE, Accepted
from minutebook.web.api.principal import OF_ORGANIZATION, Principal, principal

FILTERED, IN_ZONE = Accepted(), Accepted((ZONE,))
MOST_ACTORS = 100

Reader = Annotated[Principal, Depends(principal(Permission.LOG_READ))]

router = APIRouter(prefix=OF_ORGANIZATION)


@router.get("/events/count", operation_id="countEvents", summary="Count events", openapi_extra=FILTERED.described())
def count_events(request: Request, reader: Reader) -> Count:
    """How many events the filter finds, exactly unless that would take too long."""
    given = FILTERED.read(request, reader.at)
    reader.sit()
    with reader.reading() as connection:
        size = log.read_head(connection, reader.organization.number).size
        found = survey.count(connection, Scope(reader.organization.number, size, here=given.here), given.filter)
    return Count(count=found.number, is_exact=found.is_exact, size=size)


@router.get("/events/facets", operation_id="countFacets", summary="Facets", openapi_extra=FILTERED.described())
def facets(request: Request, reader: Reader) -> Facets:
    """What there is to choose from. Each facet counts beside its own part of the filter, so that choices compare."""
    given = FILTERED.read(request, reader.at)
    reader.sit()
    with reader.reading() as connection:
        number = reader.organization.number
        scope = Scope(number, log.read_head(connection, number).size, here=given.here)
        found = survey.survey(connection, scope, given.filter, ("action", "actor", "outcome", "client"))
    by = found.by
    return Facets(
        is_exact=found.total.is_exact,
        actions=_values(by["action"]),
        actors=_values(survey.by_text(by["actor"], MOST_ACTORS)),
        outcomes=_values(by["outcome"]),
        clients=_values({client: number for client, number in by["client"].items() if client}),
    )


@router.get("/events/histogram", operation_id="countOverTime", summary="Histogram", openapi_extra=IN_ZONE.described())
def histogram(request: Request, reader: Reader) -> Histogram:
    """When the events happened, from the start to the end of the filter, or of the log where it has none."""
    given = IN_ZONE.read(request, reader.at)
    zone, asked = given.of(ZONE), given.filter.at(given.here)
    reader.sit()
    with reader.reading() as connection:
        number = reader.organization.number
        scope = Scope(number, log.read_head(connection, number).size)
        span = search.span(connection, scope) or (given.now, given.now)
        buckets = buckets_of(*asked.bounds, span, zone, given.now)
        found = survey.survey(connection, scope, asked, edges=buckets.edges)
    return Histogram(
        zone=zone.key,
        every=buckets.width.told,
        is_exact=found.total.is_exact,
        buckets=[
            Bucket(start=rfc3339(start), end=rfc3339(end), succeeded=succeeded, other=other)
            for (start, end), (succeeded, other) in zip(itertools.pairwise(buckets.edges), found.in_time, strict=True)
        ],
    )


def _values(counts: dict[str, int]) -> list[FacetValue]:
    most_first = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [FacetValue(value=value, count=number) for value, number in most_first]
