"""relay run --dry: what a run would cost and what it could see."""

from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from relay.cli.driving import drive
from relay.cli.planning import Wishes
from relay.cli.prices import numbers, read_prices
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from relay.language.reading import Reading
    from relay.planning.forecast import Terms
    from relay.planning.pilot import Pilot
    from relay.planning.sight import Beliefs
    from relay.session import Options
    from relay.tui.progress import Display

REHEARSED = 100  # problems that are walked with simulated models


def tell_forecast(reading: "Reading", options: "Options", wishes: Wishes, *, as_json: bool) -> None:
    """Make the forecast and print it. Raises UserError."""
    from pathlib import Path

    from relay.engine.simulated import SimulatedModel
    from relay.planning.forecast import forecast
    from relay.planning.pilot import calibrate
    from relay.planning.rehearsal import Sizes, rehearse

    terms, beliefs = terms_of(reading, options, wishes), beliefs_of(wishes.assume)

    known = all(isinstance(model, SimulatedModel) for model in reading.cells[0].scenario.models.values())

    def work(shown: "Display") -> "Coroutine[Any, Any, Pilot]":
        if wishes.calibrate is not None and not known:
            return calibrate(reading, wishes.calibrate, options, shown)
        return rehearse(reading, wishes.calibrate or REHEARSED, Sizes(wishes.tokens), shown, options.pool)

    pilot = drive(work, Path(), f"relay run {reading.source} --dry", as_json=as_json)
    found = forecast(reading, pilot, terms, beliefs)
    if as_json:
        from json import dumps

        print(dumps({"event": "forecast", **_plain(found), "tokens": found.tokens}))
        return
    from relay.tui.console import Plain
    from relay.tui.planning import beliefs_line, forecast_lines, forecast_table, sight_table

    console = Plain()
    console.print(forecast_table(found))
    for line in (*forecast_lines(found, terms.replicas), "", beliefs_line(found, beliefs)):
        console.print(line)
    console.print(sight_table(found))


def terms_of(reading: "Reading", options: "Options", wishes: Wishes) -> "Terms":
    """What is said of the machines and their price. Raises UserError with all mistakes."""
    from relay.measure.price import NONE, merged
    from relay.planning.forecast import Terms

    mistakes: list[Mistake] = []
    speed = numbers("--speed", wishes.speed, (1, 2), mistakes) if wishes.speed else []
    prices = read_prices(wishes.prices, reading.cells[0].scenario.models, mistakes)
    if any(value <= 0 for value in speed):
        mistakes.append(Mistake("--speed", f"{wishes.speed!r} is no speed", "numbers above 0"))
    if mistakes:
        raise UserError.of(mistakes)
    prices = merged(prices, reading.cells[0].scenario)
    if wishes.hour is not None:  # of the whole replica, whoever holds it
        prices = {model: price._replace(hour=None) for model, price in prices.items()}
        prices[""] = prices.get("", NONE)._replace(hour=wishes.hour)
    terms = Terms(wishes.replicas, speed[0] if speed else None, at_once=options.in_flight, prices=prices)
    return terms._replace(prefill=speed[1]) if len(speed) == 2 else terms


def beliefs_of(said: str) -> "Beliefs":
    """What is taken for true. Raises UserError."""
    from relay.planning.sight import Beliefs

    names = {"accuracy": "accuracy", "icc": "icc", "distractors": "distractor_sd"}
    values: dict[str, float] = {}
    mistakes: list[Mistake] = []
    for part in filter(None, said.split(",")):
        name, _, value = part.partition("=")
        if name not in names:
            mistakes.append(Mistake("--assume", f"{name!r} is nothing that is assumed", f"one of {', '.join(names)}"))
            continue
        number = numbers(f"--assume {name}", value, (1,), mistakes)
        if number and name != "distractors" and not 0 < number[0] < 1:
            mistakes.append(Mistake(f"--assume {name}", f"{value} is not between 0 and 1"))
        values.update((names[name], n) for n in number)
    if mistakes:
        raise UserError.of(mistakes)
    return Beliefs(**values)


def _plain(value: Any) -> Any:
    """Named tuples as maps."""
    if hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
