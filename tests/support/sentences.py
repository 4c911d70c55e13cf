"""Whether what people are told reads as it should, whatever it says."""

from __future__ import annotations

from minutebook.errors import Invalid, MinutebookError


def check_refusal(refusal: MinutebookError) -> None:
    """Whatever is refused is refused in whole sentences, each problem under the name of a field."""
    problems = refusal.problems if isinstance(refusal, Invalid) else ()
    assert all(problem.field.isidentifier() and problem.field.islower() for problem in problems), problems
    for message in [problem.message for problem in problems] or [refusal.message]:
        sentences, _, _ = message.partition(" Understood would be: ")
        assert sentences.endswith((".", "?", ".)")), message
        _check_beginning(message)


def check_mail(subject: str, body: str) -> None:
    """A mail is a subject and paragraphs of whole sentences; what stands alone in one, such as a link, is none."""
    *paragraphs, end = body.split("\n\n")
    assert subject == subject.strip() != ""
    assert end.endswith(".\n"), body
    for paragraph in (subject, *paragraphs, end):
        if " " in paragraph:
            _check_beginning(paragraph)


def _check_beginning(text: str) -> None:
    """It begins with a capital letter, or with what somebody typed, who may not have used one."""
    first, *_ = text.split(" ")
    assert not first.isalpha() or (first.istitle() and first != "None"), text
    assert text != text.upper(), text
