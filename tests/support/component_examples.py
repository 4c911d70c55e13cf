"""What `templates/components.html` is filled with: every component in every state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minutebook.actions import CATALOGUE
from minutebook.actions.catalogue import NOUNS
from minutebook.actions.parts import Added, Code, Part, Removed, Strong, Swap, Text
from minutebook.actions.values import Diff, DiffLine
from minutebook.web.views.controls import (
    ActionGroup,
    ActionOption,
    ActorSuggestion,
    DatePreset,
    FilterControls,
    SavedMenu,
    SavedOption,
)
from minutebook.web.views.integrity import Proof, ProofStep
from minutebook.web.views.log import ActorLink, DayGroup, EventRow, LogPage, ZoneSwitch
from minutebook.web.views.page import (
    Choice,
    ChoiceGroup,
    Form,
    Frame,
    Moment,
    NavGroup,
    NavItem,
    OrganizationLink,
    Pager,
    Shell,
    SupportNote,
    Theme,
    Viewer,
)

UNTIL = Moment("2026-11-12T15:00:00Z", "12 Nov 2026, 16:00", "2026-11-12 16:00:00 CET")
LOG = "/o/org_k3vq7m2a9xtr/audit-logs"
HOSTILE = "\u202eeladnaR\u202c <img src=x onerror=alert(1)>"

ROLES = (
    Choice("admin", "Admin", "Seats, settings and the log"),
    Choice("auditor", "Auditor", "Reads the log, changes nothing"),
    Choice("member", "Member", "Uses the product"),
)
MODELS = tuple(Choice(name, name) for name in ("openai/gpt-5-codex", "openai/gpt-5-mini", "qwen/qwen3-coder"))
DIFFS = (
    Diff(
        "Allowed models",
        (
            DiffLine("del", "deepseek/deepseek-v3.1"),
            DiffLine("add", "openai/gpt-5-codex"),
            DiffLine("add", HOSTILE),
            DiffLine("same", "6 not changed"),
        ),
        before=7,
        after=8,
    ),
    Diff("Data collection", (DiffLine("del", "Allowed"), DiffLine("add", "Forbidden"))),
)
SAYS: tuple[Part, ...] = (
    Text("Changed "),
    Strong("Models & Providers"),
    Text(" of "),
    Strong(HOSTILE),
    Text(" "),
    Added("openai/gpt-5-codex"),
    Added("qwen/qwen3-coder"),
    Removed("novita"),
    Text(" and "),
    Code("data_collection"),
    Text(" "),
    Swap("Allowed", "Forbidden"),
)


def frame(theme: Theme = "auto") -> Frame:
    """The frame of a page in Berlin."""
    return Frame(theme=theme, zone="Europe/Berlin")


def shell(plan: str = "Enterprise") -> Shell:
    """Two organizations, every group of the navigation."""
    return Shell(
        viewer=Viewer("Ada Okafor", "ada.okafor@calder.example", "Owner"),
        organization="Calder Robotics",
        plan=plan,
        organizations=(
            OrganizationLink("Calder Robotics", "Owner", "#", current=True),
            OrganizationLink(HOSTILE, "Member", "#"),
        ),
        nav=(
            NavGroup("People", (NavItem("Members", "members", "#", 212),)),
            NavGroup("Record", (NavItem("Audit Logs", "log", LOG, current=True),)),
        ),
        new_organization_href="#",
        support=(
            SupportNote("Sam Stone", "sam@minutebook.example", "Ticket 4711: " + HOSTILE, UNTIL, "#"),
            SupportNote("Sam Stone", "sam@minutebook.example", "Ticket 4711", UNTIL),
        ),
    )


def controls() -> FilterControls:
    """Some filters set, some not."""
    form = Form({"actor": "ada@", "text": "opus", "start_date": "2026-11-31"})
    return FilterControls(
        path=LOG,
        form=form,
        actions=tuple(
            ActionGroup(
                noun,
                title,
                tuple(
                    ActionOption(action.name, action.title, action.name == "user.login")
                    for action in CATALOGUE.values()
                    if action.noun == noun
                ),
            )
            for noun, title in NOUNS.items()
        ),
        chosen_actions=("user.login", "user.logout", "user.invite"),
        actors=(ActorSuggestion("Ada Okafor", "ada.okafor@calder.example", "#log"),),
        presets=(DatePreset("Last hour", "#log"), DatePreset("Last 7 days", "#log", current=True)),
    )


def row(seq: int, action: str, severity: str, outcome: str, says: tuple[Part, ...], kind: str = "user") -> EventRow:
    """One line of the table."""
    person = ActorLink("user", "Ada Okafor", "ada.okafor@calder.example", href="#log")
    system = ActorLink("system", "System")
    return EventRow(
        seq=seq,
        href=f"?event={seq}",
        time=Moment(f"2026-11-12T14:38:{seq:02}.084Z", f"15:38:{seq:02}", f"2026-11-12 15:38:{seq:02}.084 CET"),
        action=action,
        action_href="#log",
        severity=severity,
        outcome=outcome,
        actor=person if kind == "user" else system,
        says=says,
    )


def log_page() -> LogPage:
    """Rows of every outcome, severity and kind of actor."""
    rows = (
        row(4, "settings.change", "high", "success", SAYS),
        row(3, "access.denied", "critical", "denied", (Text("Tried to read the audit log"),)),
        row(2, "user.login_failed", "medium", "failure", (Text("Wrong password"),)),
        row(1, "organization.create", "low", "success", (Text("Created "), Strong(HOSTILE)), kind="system"),
    )
    return LogPage(
        controls=controls(),
        zone=ZoneSwitch(
            shown="CET",
            is_utc=False,
            local_name="CET",
            local_title="Europe/Berlin",
            local_href="#log",
            utc_href="#log",
        ),
        total=48_213,
        found=1_284,
        days=(DayGroup("Thursday 12 November", rows, "Today"),),
        pager=Pager("1–4 of 1,284, newest first", None, "#log"),
    )


def loading(days: tuple[DayGroup, ...]) -> tuple[DayGroup, ...]:
    """The same once more, under numbers that are not yet on the page."""
    return tuple(replace(day, rows=tuple(replace(row, seq=row.seq + 100) for row in day.rows)) for day in days)


def proof(problem: str = "") -> Proof:
    """One step done and two due; or what is wrong."""
    recorded = Moment("2026-11-12T14:12:40.358Z", "15:12:40", "2026-11-12 15:12:40.358 CET")
    return Proof(
        seq=48_204,
        problem=problem,
        leaf_hash="5f" * 32,
        steps=(
            ProofStep("Recorded", "Written together with the act itself.", "It could still be changed.", recorded),
            ProofStep("Signed", "No checkpoint holds it.", "Until then it could be changed.", note="Due in a second"),
            ProofStep("Anchored", "Nothing outside holds it.", "Until then it could be rewritten.", note="No anchor"),
        ),
        covered_by=None,
        download_href="#proof",
        integrity_href="#proof",
    )


def examples(theme: Theme = "auto", dialog: str = "") -> dict[str, Any]:
    """The whole context of `components.html`."""
    errors = {
        "": "The organization could not be changed: somebody else just changed it.",
        "email": f"{HOSTILE} is not an address.",
        "emails": "“yusuf.demir@calder” is not a complete address: the part after the @ needs a dot.",
        "plan": "There is no such plan.",
        "new_role": "Choose a role.",
        "tools": "Choose at least one tool.",
        "agreed": "This has to be agreed to.",
    }
    values = {"email": HOSTILE, "emails": "elin.berg@calder.example, yusuf.demir@calder"}
    return {
        "frame": frame(theme),
        "shell": shell(),
        "page": log_page(),
        "loading_days": loading(log_page().days),
        "proof": proof(),
        "broken": proof("This is not the event that was recorded."),
        "link": None,
        "saved": SavedMenu(
            own=(SavedOption("Ada’s acts", "actor:ada.okafor@calder.example", "#log", "srch_1", current=True),),
            shared=(SavedOption(HOSTILE, "-outcome:success", "#log", "srch_2"),),
            all_href="#log",
            open_name="Ada’s acts",
            everything_href="#log",
            shows_everything=False,
            save_href="#log",
        ),
        "dialog": dialog,
        "empty": Form(),
        "wrong": Form(values, errors),
        "ticked": Form({"model": ("openai/gpt-5-codex",)}),
        "unsure": Form({"confirm": "wen.li"}, {"confirm": "This is not wen.li@calder.example."}),
        "models": MODELS,
        "roles": ROLES,
        "groups": (ChoiceGroup("openai", MODELS[:2]), ChoiceGroup("qwen", MODELS[2:])),
        "tools": (ChoiceGroup("", (Choice("browser", "Browser"), Choice("terminal", "Terminal"))),),
        "people": (
            ("Ada Okafor", "ada.okafor@calder.example", "Admin"),
            (HOSTILE, "wen.li@calder.example", "Member"),
        ),
        "says": SAYS,
        "diffs": DIFFS,
    }
