"""The page of documentation on exports, derived from the formats, their columns and the catalogue."""

from __future__ import annotations

from dataclasses import fields

from minutebook.actions import CATALOGUE, ocsf
from minutebook.actions.log import Format
from minutebook.cli.reference import GENERATED, prose, table
from minutebook.deliver import bundle
from minutebook.deliver.formats import FORMATS, Trailer
from minutebook.deliver.formats import ocsf as ocsf_format
from minutebook.deliver.formats.columns import COLUMNS, TRAILER_COLUMN
from minutebook.filters import in_order


def export_markdown() -> str:
    """`docs/export.md`: the formats of an export, their trailer, their columns, and the OCSF class of every action."""
    lines = [GENERATED, "", "# Exports", ""]
    lines += prose(
        "An export is a file of exactly what a filter finds in an organization's log as it was at one moment: from "
        "Audit Logs, from the API, and from the command line. It is recorded as `log.export` before its first byte. "
        "Events come in the order of the log. What is recorded later is not in it, however long it takes."
    )
    rows = [(f"`{format_}`", format_.label, f"`.{kind.extension}`", kind.help) for format_, kind in FORMATS.items()]
    rows.append((f"`{Format.BUNDLE}`", Format.BUNDLE.label.capitalize(), f"`.{bundle.EXTENSION}`", bundle.HELP))
    lines += ["", *table(("Format", "Name", "File", "What it is"), rows)]
    lines += ["", "## Trailer", "", *prose(Trailer.__doc__ or ""), ""]
    lines += prose(
        "A file that does not end with its trailer was cut off. One that was is not to be mended by hand: ask again "
        "with the same `size` (the header `Minutebook-Log-Size` says it), where the filter has relative times with the "
        "same `now` (`Minutebook-Now`), and, as `first`, the last number that arrived and 1. What comes then is a file "
        "of its own, with a trailer of its own; together they hold every event once. The page and `minutebook export "
        "--output` do the same by themselves, and make one file of it; of Parquet they ask for all again."
    )
    kinds = [(f"`{field.name}`", "integer" if field.type == "int" else "text") for field in fields(Trailer)]
    lines += ["", *table(("Field", "Type"), kinds)]
    lines += ["", "## Columns of CSV and Parquet", ""]
    lines += [*prose("They keep their names, their meaning and their order; what comes later comes behind them."), ""]
    columns = [(f"`{column.name}`", column.kind, column.help) for column in COLUMNS]
    last = (f"`{TRAILER_COLUMN}`", "text", "Only in CSV: empty but in the last record, which has nothing else.")
    lines += table(("Column", "Type", "What it holds"), [*columns, last])
    lines += ["", "## OCSF", "", *prose(ocsf_format.__doc__ or ""), ""]
    lines += prose(
        f"The schema is version {ocsf.VERSION}. `metadata.event_code` is the name of the action, `metadata.sequence` "
        "the number of the event, and `metadata.tenant_uid` the id of the organization."
    )
    classes = [
        (f"`{name}`", f"{activity.kind.name} ({activity.kind.uid})", f"{activity.name} ({activity.id})")
        for name in in_order(CATALOGUE)
        for activity in (CATALOGUE[name].ocsf,)
    ]
    lines += ["", *table(("Action", "Class", "Activity"), classes)]
    return "\n".join(lines) + "\n"
