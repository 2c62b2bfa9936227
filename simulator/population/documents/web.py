"""HTML: a whole page in UTF-8 that says so, without anything to fetch."""

from __future__ import annotations

from html import escape

from simulator.population.documents.paper import Paper, Section


def page(paper: Paper) -> bytes:
    """A document as an HTML page."""
    head = "<br>".join(escape(line) for line in paper.letterhead)
    facts = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n" for name, value in paper.facts)
    sections = "".join(_section(section) for section in paper.sections)
    closing = "<br>".join(escape(line) for line in paper.closing)
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(paper.title)}</title>\n</head>\n<body>\n"
        f"<header><p>{head}</p></header>\n<h1>{escape(paper.title)}</h1>\n<table>\n{facts}</table>\n"
        f"{sections}<footer><p>{closing}</p></footer>\n</body>\n</html>\n"
    )
    return text.encode()


def _section(section: Section) -> str:
    parts = ["<section>\n", f"<h2>{escape(section.heading)}</h2>\n" if section.heading else ""]
    if section.is_list:
        items = "".join(f"<li>{escape(line)}</li>\n" for line in section.lines)
        parts.append(f"<ul>\n{items}</ul>\n")
    else:
        parts.extend(f"<p>{escape(line)}</p>\n" for line in section.lines)
    if section.table is not None:
        head = "".join(f"<th>{escape(cell)}</th>" for cell in section.table.headings)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in section.table.rows
        )
        parts.append(f"<table>\n<tr>{head}</tr>\n{rows}</table>\n")
    parts.append("</section>\n")
    return "".join(parts)
