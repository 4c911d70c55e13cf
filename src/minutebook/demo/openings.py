"""What is opened to programs and to people outside, and what is set about money: tokens, links, limits, a grant."""

from __future__ import annotations

from minutebook.demo.cast import CALDER
from minutebook.demo.stage import Stage
from minutebook.identifiers import new_token
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.credits import GrantCredits
from minutebook.organization.spending import ChangeSpending
from minutebook.organization.tokens import CreateToken, new_secret
from minutebook.record import Command

LIMITS = ((0.04, ChangeSpending(daily_limit=40_00, balance_alert=None)), (0.72, ChangeSpending(60_00, 1_000_00)))
"""When the daily limit and the balance alert are set, by an admin."""
TOKENS = ((0.08, "Nightly export", ("log.read", "log.export"), 365), (0.59, "SIEM", ("log.read",), 180))
"""When an admin makes an API token, its name and scopes, and for how many days."""
LINKS = (
    (0.79, "Marlowe Partners, half-year", "action:member.*,user.invite"),
    (0.965, "Marlowe Partners", "action:member.*,settings.change,sso.*"),
)
"""When the owner makes an auditor link, for whom, and what it shows; for 30 days."""
GRANT = (0.97, GrantCredits(250_00, "GOODWILL-1", "Minutebook", "Goodwill after two days without invoices"))


def plan(stage: Stage) -> None:
    """Plans all of it."""
    randomness = stage.store.randomness
    for part, limit in LIMITS:
        _plan(stage, part, "mateo", limit)
    for part, name, scopes, days in TOKENS:
        _plan(stage, part, "mateo", CreateToken(name, scopes, days, new_secret(randomness)))
    for part, name, query in LINKS:
        _plan(stage, part, "ada", CreateLink(name, query, 30, new_token(randomness)))
    part, grant = GRANT
    stage.at(stage.part(part), lambda: stage.operate(stage.organizations[CALDER], grant))


def _plan(stage: Stage, part: float, key: str, command: Command) -> None:
    player = stage.players[key]
    happens = stage.at_work(player, stage.part(part))
    stage.at(happens, lambda: stage.act(player, stage.organizations[CALDER], command))
