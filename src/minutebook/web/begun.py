"""What a browser has begun and comes back to with a proof: the cookie that holds the token of a ceremony."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import Request, Response

from minutebook.model import SECOND
from minutebook.organization import ceremonies
from minutebook.organization.ceremonies import Ceremony, Purpose
from minutebook.web.site import Site, site_of


@dataclass(frozen=True, slots=True)
class Begun:
    """What is begun for a purpose, and the cookie that it is kept in. `lax` is for what people come to from elsewhere,
    such as a link in a mail."""

    cookie: str
    purpose: Purpose
    samesite: Literal["lax", "strict"]

    def keep(self, response: Response, site: Site, token: str) -> Response:
        """The answer, with which the browser gets the token."""
        response.set_cookie(
            site.cookie(self.cookie),
            token,
            max_age=ceremonies.LIFETIME // SECOND,
            secure=site.is_https,
            httponly=True,
            samesite=self.samesite,
        )
        return response

    def token(self, request: Request) -> str:
        """What the browser has; nothing when it has begun nothing."""
        return request.cookies.get(site_of(request).cookie(self.cookie), "")

    def find(self, request: Request) -> Ceremony | None:
        """What this browser has begun, if that is not over."""
        site = site_of(request)
        with site.store.reading() as connection:
            return ceremonies.find(connection, self.purpose, self.token(request), site.store.clock())

    def forget(self, response: Response, site: Site) -> Response:
        """The answer, with which the browser forgets the token."""
        response.delete_cookie(site.cookie(self.cookie), secure=site.is_https, httponly=True, samesite=self.samesite)
        return response
