"""relay models: the models that can be run without a download."""

from typing import Annotated

import typer


def models(
    json: Annotated[bool, typer.Option("--json", help="One JSON object a model, for machines.")] = False,
) -> None:
    """List the models that relay knows by name, and those in the hub's cache."""
    from relay.engine.models import listed
    from relay.tui.safe import one_line

    found = list(listed())
    if json:
        from json import dumps

        for model in found:
            print(dumps(model._asdict()))
        return
    rows = [("name", "parameters", "where")]
    for model in found:
        where = model.where if model.here else f"not installed: {model.where}"
        rows.append((one_line(model.name, 60), _short(model.parameters), one_line(where, 200)))
    width = max(len(name) for name, _, _ in rows)
    for name, size, where in rows:
        print(f"{name:<{width}}  {size:>10}  {where}")
    print("also: a folder, a .gguf file, or a model of the Hugging Face hub (OWNER/NAME), fetched at its first use")


def _short(number: int | None) -> str:
    """135M, 7.6B; nothing where it is not known."""
    if number is None:
        return ""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            shown = number / size
            return f"{shown:.1f}{unit}" if shown < 10 else f"{shown:.0f}{unit}"
    return str(number)
