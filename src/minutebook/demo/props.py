"""What the people of the demo hold in their hands: browsers, networks, models and modes."""

from __future__ import annotations

from dataclasses import dataclass

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
LINUX = "Mozilla/5.0 (X11; Linux x86_64"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
FIREFOX = "rv:144.0) Gecko/20100101 Firefox/144.0"

BROWSERS = (
    f"{MAC} {SAFARI}",
    f"{MAC} {CHROME}",
    f"{WINDOWS}) {CHROME}",
    f"{WINDOWS}; {FIREFOX}",
    f"{LINUX}; {FIREFOX}",
    f"{LINUX}) {CHROME}",
)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
INTRUDERS = ("python-requests/2.32.3", "curl/8.5.0", "Go-http-client/2.0", "Mozilla/5.0 (compatible)")

NEW_MODELS = (
    "anthropic/claude-sonnet-4.6",
    "google/gemini-3-flash",
    "mistralai/codestral-2601",
    "moonshotai/kimi-k2-thinking",
    "openai/gpt-5.1",
    "openai/gpt-5.1-codex",
    "qwen/qwen3-coder-next",
    "z-ai/glm-4.7",
)
"""Models that come up during the year, beside those that a new organization knows."""

DEFAULTS = ("anthropic/claude-sonnet-4.5", "openai/gpt-5", "openai/gpt-5-codex", "anthropic/claude-opus-4.1")


@dataclass(frozen=True, slots=True)
class ModeIdea:
    """A mode, what is added to its instructions later, line by line, and what it is called in the end."""

    name: str
    opening: str
    rules: tuple[str, ...]
    tools: tuple[str, ...]
    later_name: str | None = None


MODES: tuple[ModeIdea, ...] = (
    ModeIdea(
        "Firmware Review",
        "You review firmware changes for the arm controllers.",
        (
            "Check every interrupt handler for unbounded loops.",
            "Name the register and the datasheet page for each claim.",
            "Flag any allocation after start-up.",
            "Treat a changed watchdog time-out as a blocker.",
            "Ask for a bench log when timing changes.",
        ),
        ("read",),
    ),
    ModeIdea(
        "Test Author",
        "You write tests first and never change code to make them pass.",
        (
            "One behaviour per test.",
            "Prefer real devices in the lab over mocks.",
            "Name the requirement that the test covers.",
            "Seeds of random tests are printed on failure.",
        ),
        ("read", "edit", "terminal"),
    ),
    ModeIdea(
        "Incident Scribe",
        "You keep the timeline of an incident.",
        (
            "Times in UTC.",
            "Facts and guesses in separate columns.",
            "Ask who decided, not who is to blame.",
            "End with open questions and owners.",
        ),
        ("read",),
    ),
    ModeIdea(
        "Motion Planning",
        "You help with trajectories for the six-axis arms.",
        (
            "Units are SI, angles in radians.",
            "Never exceed the joint limits in limits.toml.",
            "Explain singularities before you avoid them.",
            "Show the jerk profile for each proposal.",
        ),
        ("read", "edit"),
        "Trajectory Planning",
    ),
    ModeIdea(
        "Docs Editor",
        "You edit documentation for technicians on the shop floor.",
        ("Short sentences.", "A warning stands before the step it belongs to.", "Screws have a size and a torque."),
        ("edit", "read"),
        "Shop-floor Docs",
    ),
    ModeIdea(
        "Security Review",
        "You look for ways to misuse a change.",
        (
            "Start from what an attacker controls.",
            "Check authorization at every entry.",
            "Secrets never appear in logs or fixtures.",
            "Rate each finding by what it costs the customer.",
        ),
        ("read", "terminal"),
    ),
    ModeIdea(
        "SQL Helper",
        "You write queries for the telemetry warehouse.",
        ("Always limit by day.", "Explain the plan of anything over a second.", "No SELECT *."),
        ("read",),
    ),
    ModeIdea(
        "Release Notes",
        "You turn merged changes into release notes for integrators.",
        ("Breaking changes first.", "Link the migration guide.", "No internal names."),
        ("edit", "read"),
    ),
    ModeIdea(
        "Log Triage",
        "You read robot logs and say what to look at first.",
        ("Quote the line.", "Group by cause, not by time.", "Say when you do not know."),
        ("read", "terminal"),
        "Robot Log Triage",
    ),
    ModeIdea(
        "Onboarding Guide",
        "You show new colleagues around the code.",
        ("Ask what they know already.", "Point to a file, not to a wiki.", "One small task at the end."),
        ("read",),
    ),
    ModeIdea(
        "Vendor Research",
        "You compare suppliers of sensors and motors.",
        ("Give the date of every price.", "Prefer data sheets over marketing."),
        ("browser", "read"),
    ),
    ModeIdea(
        "Simulation Runner",
        "You run scenes in the simulator and compare them with the lab.",
        ("Fix the seed.", "Report the difference as a number.", "Keep the scene file with the result."),
        ("mcp", "read", "terminal"),
    ),
)
