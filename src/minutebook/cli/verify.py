"""minutebook verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from minutebook.evidence.verifier import minutebook_verify


def verify(
    bundle: Annotated[
        Path | None, typer.Argument(help="Evidence that was exported: a zip, or the folder it was unpacked to.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Ask this server for evidence of everything instead; MINUTEBOOK_TOKEN has the API token."),
    ] = None,
    organization: Annotated[str | None, typer.Option(help="With --server: the id of the organization (org_…).")] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="The verifier key of the log, as you were told it; can be repeated.")
    ] = None,
    head: Annotated[
        list[Path] | None, typer.Option(help="A file with a signed head that you have kept; can be repeated.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="The verifier key of a witness that you trust; can be repeated.")
    ] = None,
    timestamp_certificate: Annotated[
        list[Path] | None,
        typer.Option(help="Certificates (PEM) of a timestamp authority that you trust; can be repeated."),
    ] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="Demand that one of these has seen the log.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="How many processes verify events.")] = 1,
) -> None:
    """Verify evidence of a log, trusting neither the server that it comes from nor its database.

    It needs no deployment, and is the same file that lies in each bundle, which runs by itself. Exits with 0 when it is
    valid, 1 when not, with the first place that is wrong, 2 when that cannot be told, 3 when the log does not go on
    from a head that you have kept, 4 when it is valid but not --anchored. docs/verify.md says what is shown by it, and
    what is not.

    [bold]Examples[/bold]

        minutebook verify evidence.zip --key "$VKEY"

        minutebook verify evidence.zip --key "$VKEY" --head head-of-last-year --processes 4

        minutebook verify --server https://minutebook.example.com --organization org_… --key "$VKEY"
    """
    options = {
        "--server": [server],
        "--organization": [organization],
        "--key": key,
        "--head": head,
        "--witness": witness,
        "--timestamp-certificate": timestamp_certificate,
        "--processes": [processes],
    }
    arguments = [str(bundle)] if bundle else []
    # One word each: what is given must not be taken for an option of its own.
    arguments += [f"{name}={value}" for name, given in options.items() for value in given or () if value is not None]
    raise typer.Exit(minutebook_verify.main([*(["--anchored"] if anchored else []), *arguments]))
