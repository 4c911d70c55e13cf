"""The work of those who look after models and modes: something every week."""

from __future__ import annotations

from functools import partial

from minutebook.demo.cast import CALDER
from minutebook.demo.props import DEFAULTS, MODES, NEW_MODELS, ModeIdea
from minutebook.demo.stage import YEAR, Player, Stage
from minutebook.model import DAY, Event
from minutebook.organization import modes, settings
from minutebook.organization.modes import CreateMode, DeleteMode, UpdateMode
from minutebook.organization.settings import KNOWN_MODELS, KNOWN_PROVIDERS, ChangeModels
from minutebook.permissions import Permission

DELETED_MODES = {"SQL Helper": 0.58, "Vendor Research": 0.77}


def plan(stage: Stage) -> None:
    """Plans all of it."""
    moment = stage.beginning + 3 * DAY
    while moment < stage.end:
        stage.at(stage.at_work(stage.players["mateo"], moment), partial(_change_models, stage))
        moment += int(stage.chance.gauss(5.2, 1.5) * DAY)
    for number, idea in enumerate(MODES):
        part = 0.02 + 0.85 * number / len(MODES)
        stage.at(stage.at_work(stage.players["mateo"], stage.part(part)), partial(_create_mode, stage, idea))


def _someone(stage: Stage) -> Player:
    (key,) = stage.chance.choices(("mateo", "priya", "camille", "ada"), (5, 3, 2, 1))
    return stage.able(key, CALDER, Permission.SETTINGS_WRITE) or stage.players["ada"]


def _change_models(stage: Stage) -> None:
    """Allows or forbids some models or providers, or chooses another default, never what would be refused."""
    chance, number = stage.chance, stage.organizations[CALDER]
    with stage.store.reading() as connection:
        now = settings.read_settings(connection, number)
    known = int(len(NEW_MODELS) * (stage.clock.now - stage.beginning) / YEAR)
    models, providers, default = set(now.models), set(now.providers), now.default_model
    what = chance.random()
    if what < 0.75:
        offered = sorted({*KNOWN_MODELS, *NEW_MODELS[:known]} - models)
        models |= set(chance.sample(offered, k=min(len(offered), chance.choice((0, 1, 1, 2, 3)))))
        keep = {default, "anthropic/claude-sonnet-4.5", "openai/gpt-5"}
        models -= set(chance.sample(sorted(models - keep), k=chance.choice((0, 1, 1, 2, 4)) if len(models) > 12 else 0))
    if what > 0.6:
        missing = sorted(set(KNOWN_PROVIDERS) - providers)
        providers |= set(chance.sample(missing, k=min(len(missing), chance.choice((0, 1, 2)))))
        providers -= set(chance.sample(sorted(providers), k=chance.choice((0, 1, 2)) if len(providers) > 8 else 0))
    if what > 0.92:
        default = chance.choice([name for name in DEFAULTS if name in models])
    stage.act(_someone(stage), number, ChangeModels(tuple(models), tuple(providers), default, now.seen()))


def _create_mode(stage: Stage, idea: ModeIdea) -> None:
    event = stage.act(_someone(stage), stage.organizations[CALDER], CreateMode(idea.name, idea.opening, idea.tools))
    assert isinstance(event, Event)
    mode = str(event.details["mode"])
    moment = stage.clock.now
    for rule in idea.rules:
        moment += int(stage.chance.uniform(2, 40) * DAY)
        stage.at(stage.at_work(stage.players["mateo"], moment), partial(_add_rule, stage, mode, idea, rule))
    if idea.name in DELETED_MODES:
        ends = stage.at_work(stage.players["mateo"], stage.part(DELETED_MODES[idea.name]))
        stage.at(ends, lambda: stage.act(_someone(stage), stage.organizations[CALDER], DeleteMode(mode)))


def _add_rule(stage: Stage, mode: str, idea: ModeIdea, rule: str) -> None:
    """One line more in the instructions; now and then another tool, with the last line a name that says it better."""
    number = stage.organizations[CALDER]
    with stage.store.reading() as connection:
        found = [known for known in modes.all_modes(connection, number) if known.id == mode]
    if not found:
        return
    before, tools = found[0], set(found[0].tools)
    if stage.chance.random() < 0.3:
        tools ^= {stage.chance.choice(sorted(modes.TOOLS))}
    name = idea.later_name if idea.later_name and rule == idea.rules[-1] else before.name
    instructions = f"{before.instructions}\n- {rule}"
    stage.act(_someone(stage), number, UpdateMode(mode, name, instructions, tuple(sorted(tools))))
