"""Templates: nothing inline, nothing missing, and text from people stays text."""

import json
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from jinja2 import Environment

from minutebook.actions.values import number_of
from minutebook.web.assets import Assets
from minutebook.web.templating import act_parts, environment, initials, json_tokens, visible
from tests.support.component_examples import HOSTILE, examples

TEMPLATES = files("minutebook.web") / "templates"


class Tags(HTMLParser):
    """Every start tag of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def pages() -> Environment:
    return environment(Assets.packaged())


def test_all_templates_compile(pages: Environment) -> None:
    for name in pages.list_templates():
        pages.get_template(name)


@pytest.mark.parametrize("dialog", ["", "invite", "remove"])
def test_the_components_hold_nothing_inline(pages: Environment, dialog: str) -> None:
    tags = Tags(pages.get_template("components.html").render(examples(dialog=dialog)))
    assert len(tags.found) > 500
    for tag, attributes in tags.found:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        for name, value in attributes.items():
            assert name != "style"
            assert not name.startswith(("on", "hx-on"))
            if name in ("src", "href", "action", "hx-get"):
                assert not re.match(r"\s*([a-z]+:|//)", value or "", re.IGNORECASE)


def test_htmx_evaluates_nothing_and_keeps_no_page(pages: Environment) -> None:
    """What it keeps of a page would be read in the browser after whoever read it has signed out."""
    source, _, _ = pages.loader.get_source(pages, "base.html")  # type: ignore[union-attr]
    [settings] = re.findall(r"""<meta name="htmx-config" content='([^']+)'>""", source)
    said = json.loads(settings)
    assert [said[name] for name in ("allowEval", "historyEnabled", "includeIndicatorStyles")] == [False] * 3
    assert (said["historyCacheSize"], said["selfRequestsOnly"]) == (0, True)


def test_text_from_people_stays_text(pages: Environment) -> None:
    html = pages.get_template("components.html").render(examples())
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    # A field repeats what was typed letter by letter; everywhere else unseen characters are marks.
    fields = re.compile(r"<(?:input|option)[^>]*>|<textarea.*?</textarea>", re.DOTALL)
    assert not set(HOSTILE) & {"\u202e", "\u202c"} & set(fields.sub("", html))


def test_icons_are_in_the_sprite(pages: Environment) -> None:
    sprite = set(re.findall(r'id="i-([a-z]+)"', (TEMPLATES / "_icons.html").read_text()))
    html = pages.get_template("components.html").render(examples())
    assert set(re.findall(r'href="#i-([a-z]+)"', html)) <= sprite
    named = set()
    for name in pages.list_templates():
        source = (TEMPLATES / name).read_text()
        named |= set(re.findall(r'(?:icon\(|mark=|step\(event[^)]*, )"([a-z]+)"', source))
    assert named <= sprite


def test_ids_are_used_once(pages: Environment) -> None:
    html = pages.get_template("components.html").render(examples(dialog="remove"))
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë Ørsted 😀 علی\u200cرضا", "Zoë Ørsted 😀 علی\u200cرضا"),
        ("a\nb\tc\0", "a␊b␉c␀"),
        ("\u202eeladnaR", "⟨U+202E⟩eladnaR"),
        ("\x7f\x9b31m\u200b", "⟨U+007F⟩⟨U+009B⟩31m⟨U+200B⟩"),
        (
            "A\u00adda\u180e\u3164\u115f\u1160\uffa0\u034f",
            "A⟨U+00AD⟩da⟨U+180E⟩⟨U+3164⟩⟨U+115F⟩⟨U+1160⟩⟨U+FFA0⟩⟨U+034F⟩",
        ),
        ("\U000e0001Ada\U000e0041", "⟨U+E0001⟩Ada⟨U+E0041⟩"),
        ("❤\ufe0f 1\ufe0f\u20e3 葛\U000e0100", "❤\ufe0f 1\ufe0f\u20e3 葛\U000e0100"),
        ("\ufe0fA\ufe0fda \ufe0f\U000e0100", "⟨U+FE0F⟩A⟨U+FE0F⟩da ⟨U+FE0F⟩⟨U+E0100⟩"),
    ],
)
def test_unseen_characters_are_shown_as_marks(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_json_is_cut_at_its_keys_and_keeps_its_value() -> None:
    text = '{\n  "a": "x \\" \\n \u202e\U000e0041: \\"b\\": 1",\n  "c d": {\n    "e": []\n  }\n}'
    tokens = list(json_tokens(text))
    assert [word for is_key, word in tokens if is_key] == ['"a"', '"c d"', '"e"']
    cut = "".join(word for _, word in tokens)
    assert cut == text.replace("\u202e", "\\u202e").replace("\U000e0041", "\\udb40\\udc41")
    assert json.loads(cut) == json.loads(text)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Okafor", "AO"), ("ada.okafor@calder.example", "AO"), ("Wen", "WE"), ("", "?"), ("Élodie de la Tour", "ÉT")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_words() -> None:
    assert number_of(1, "event") == "1 event"
    assert number_of(1284, "event") == "1,284 events"
    assert number_of(2, "person", "people") == "2 people"
    assert act_parts("user.login") == ("user.", "login")
    assert act_parts("nothing") == ("", "nothing")
