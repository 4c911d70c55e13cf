"""axe-core in a page that stands under its own Content Security Policy.

axe is brought in by the browser's debugger, into a world of its own beside the page's: the policy is neither bypassed
nor in the way, and the page cannot tell.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

TARGET_SIZE = {"target-size": {"enabled": True}}
"""Of WCAG 2.2, and off in axe unless it is asked for."""

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that a scheme of colours can break; nothing else differs between light and dark."""

REPEATED = "tbody tr:nth-child(n + 9)"
"""The rows of a table after its first ones look like those; leaving them out saves half of the time."""

RUN = """axe.run({exclude: [REPEATED]}, OPTIONS).then(({violations}) => violations.map(({id, help, nodes}) => ({
    id, help, nodes: nodes.map(({target, failureSummary}) => `${target.join(" ")}: ${failureSummary}`),
})))"""


@cache
def source() -> str:
    """axe-core itself, as one script."""
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


class Axe:
    """axe in the page as it is now: make a new one after going to another page."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        frame = self._session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = self._session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
        self._context: int = world["executionContextId"]
        self._evaluate(f"{source()}; null")

    def violations(self, leave_out: tuple[str, ...] = (), *, only: tuple[str, ...] = ()) -> list[str]:
        """What breaks a rule, a line each: `only` one of these, or any that is not left out, those of best practice
        too."""
        options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}  # no rule that is on needs it
        if only:
            options["runOnly"] = [rule for rule in only if rule not in leave_out]
        else:
            options["rules"] = {**TARGET_SIZE, **{rule: {"enabled": False} for rule in leave_out}}
        run = RUN.replace("REPEATED", json.dumps(REPEATED)).replace("OPTIONS", json.dumps(options))
        found = self._evaluate(run)
        return [f"{each['id']} ({each['help']}) {node}" for each in found for node in each["nodes"]]

    def _evaluate(self, expression: str) -> Any:
        answer = self._session.send(
            "Runtime.evaluate",
            {"expression": expression, "contextId": self._context, "awaitPromise": True, "returnByValue": True},
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"axe did not run: {answer['exceptionDetails']}")
        return answer["result"].get("value")
