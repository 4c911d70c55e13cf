"""Which organizations whoever asks may name in the other operations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from minutebook.web.api.answers import OrganizationOf, Organizations
from minutebook.web.api.parameters import Accepted
from minutebook.web.api.principal import ORGANIZATIONS, Known, known

NOTHING = Accepted(filtered=False)

router = APIRouter(prefix=ORGANIZATIONS)


@router.get("", operation_id="listOrganizations", summary="List organizations", openapi_extra=NOTHING.described())
def list_organizations(request: Request, asker: Annotated[Known, Depends(known)]) -> Organizations:
    """The organization of the token, whatever its scopes; for somebody who is signed in, those they hold a seat in.

    No log is read by it, so none records it.
    """
    NOTHING.read(request, asker.at)
    return Organizations(organizations=[OrganizationOf(id=one.id, name=one.name) for one in asker.organizations])
