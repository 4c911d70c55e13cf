"""Models & Providers: which are allowed, and which model is the default."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.actions.values import Diff
from minutebook.errors import Conflict, Invalid
from minutebook.organization.settings import (
    KNOWN_MODELS,
    KNOWN_PROVIDERS,
    MODEL,
    ChangeModels,
    Settings,
    no_name,
)
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.web import shell
from minutebook.web.forms import STAYS, Sent, Typed, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.settings_form import changed_meanwhile, from_field, seen_hash, settings_now, to_field
from minutebook.web.views.page import Choice, ChoiceGroup, Form

router = APIRouter()

Seen = Annotated[Place, Depends(place(Permission.SETTINGS_READ))]
Changed = Annotated[Place, Depends(place(Permission.SETTINGS_WRITE))]

ONE, EVERY = ("default_model", "new_model"), ("models", "providers")


@router.get("/o/{org}/models")
def show_models(request: Request, place: Seen) -> Response:
    """The allowed models and providers; a form for those who may change them."""
    now = settings_now(place)
    form = Form(values={"models": now.models, "providers": now.providers, "default_model": now.default_model})
    return _show(request, place, now, form)


@router.post("/o/{org}/models")
def save_models(request: Request, place: Changed, sent: Sent) -> Response:
    """Saves all of the page as one change."""
    before = from_field(sent)
    new = sent.one("new_model").strip().lower()
    try:
        if new and not MODEL.fullmatch(new):
            raise Invalid.one("new_model", no_name(new, "a model id, such as openai/gpt-5"))
        models = (*sent.every("models"), new)
        command = ChangeModels(models, sent.every("providers"), sent.one("default_model"), seen_hash(before))
        done = perform(place.site.store, place.seat, command)
    except STAYS as error:
        now = settings_now(place)
        form = form_after(sent, error, ONE, EVERY)
        if not isinstance(error, Conflict) or before is None:
            return _show(request, place, now, form, (), error.status)
        merged = replace(form, values={**form.values, **_merged(sent, before, now)})
        return _show(request, place, now, merged, changed_meanwhile(before, now), error.status)
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.MODELS_SAVED
    return go(place.site, place.path(shell.MODELS), said)


def _merged(sent: Typed, before: Settings, now: Settings) -> dict[str, str | tuple[str, ...]]:
    """What is set now, with what the viewer ticked, unticked and chose since they saw `before`."""

    def ticks(chosen: Collection[str], seen: Collection[str], there: Collection[str]) -> tuple[str, ...]:
        # What only one of both has ticked, they put in; or the other took it out, who had seen it as well.
        mine, theirs = set(chosen), set(there)
        return tuple(sorted((mine & theirs) | ((mine ^ theirs) - set(seen))))

    default = sent.one("default_model")
    return {
        "models": ticks(sent.every("models"), before.models, now.models),
        "providers": ticks(sent.every("providers"), before.providers, now.providers),
        "default_model": now.default_model if default == before.default_model else default,
    }


def _show(
    request: Request, place: Place, now: Settings, form: Form, meanwhile: tuple[Diff, ...] = (), status: int = 200
) -> Response:
    # What somebody else took out, or a form made up, stays visible where it is ticked.
    ticked = (*form.values.get("models", ()), form.value("default_model"))
    models = sorted({*KNOWN_MODELS, *now.models, *(name for name in ticked if MODEL.fullmatch(name))})
    return show(
        request,
        "models.html",
        place=place,
        current=shell.MODELS,
        status=status,
        form=form,
        models=_by_maker(models),
        providers=_plain(sorted({*KNOWN_PROVIDERS, *now.providers})),
        defaults=tuple(Choice(name, name) for name in models),
        now=now,
        before=to_field(now),
        meanwhile=meanwhile,
        action=place.path(shell.MODELS),
        may_change=place.may(Permission.SETTINGS_WRITE),
    )


def _by_maker(models: list[str]) -> tuple[ChoiceGroup, ...]:
    makers = sorted({name.partition("/")[0] for name in models})
    return tuple(
        ChoiceGroup(maker, tuple(Choice(name, name) for name in models if name.startswith(f"{maker}/")))
        for maker in makers
    )


def _plain(names: list[str]) -> tuple[ChoiceGroup, ...]:
    return (ChoiceGroup("", tuple(Choice(name, name) for name in names)),)
