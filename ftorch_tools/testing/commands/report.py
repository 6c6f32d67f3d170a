# SPDX-License-Identifier: MIT
"""`ftorch-test report`."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.testing.commands.common import (
    RUN,
    AsJson,
    InProject,
    errors_reported,
    print_json,
    warn,
)
from ftorch_tools.testing.records.junit import to_junit
from ftorch_tools.testing.records.record import RunRecord
from ftorch_tools.testing.records.store import find_ended_run

EPILOG = "Example: `ftorch-test report latest --format html --output report.html`"


class Format(str, Enum):
    """What a report may be written as."""

    JUNIT = "junit"
    MARKDOWN = "markdown"
    HTML = "html"


def report(
    run: Annotated[str, RUN] = "latest",
    format: Annotated[Format, typer.Option(help="What to write.")] = Format.MARKDOWN,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", dir_okay=False, help="The file.", show_default="standard output"
        ),
    ] = None,
    project: InProject = Path(),
    json: AsJson = False,
) -> None:
    """Write a report of a run: HTML that needs no other file, Markdown, or JUnit XML."""
    with errors_reported():
        record = find_ended_run(run, project, warn)
        text = _render(record, format)
        if output is not None:
            output.write_text(text, encoding="utf-8")
    if json:
        file = str(output.resolve()) if output else None
        content = None if output else text
        values = {"run": record.id, "format": format.value, "file": file, "content": content}
        print_json("report/1", values)
    elif output is None:
        print(text, end="")


def _render(record: RunRecord, format: Format) -> str:
    if format is Format.JUNIT:
        return to_junit(record, Path(record.directory))
    from ftorch_tools.testing.records.report import to_html, to_markdown  # slow to import

    return to_html(record) if format is Format.HTML else to_markdown(record)
