"""What is wrong with a command line, in one line; the parser's own words take five, and some are not for people."""

import re

from relay.errors import Mistake

_SAYINGS = (
    (r"No such command '(.*)'\. Did you mean (.*)\?", r"no command '\1'", r"did you mean \2?"),
    (r"No such command '(.*?)'\.?", r"no command '\1'", ""),
    (r"No such option: (\S+) \(Possible options: (.*)\)", r"no option \1", r"did you mean \2?"),
    (r"No such option: (\S+)\.?", r"no option \1", ""),
    (r"Missing (?:argument|option) (.*?)\.?", r"\1 is missing", ""),
    (r"Option '(.*)' requires an argument\.?", r"\1 needs a value", ""),
    (r"Option '(.*)' does not take a value\.?", r"\1 takes no value", ""),
    (r"Got unexpected extra argument.*? \((.*)\)", r"too much: \1", ""),
    (r"Invalid value for (.*): .*a valid integer.*", r"\1 should be a whole number", ""),
    (r"Invalid value for (.*): .*a valid (?:number|float).*", r"\1 should be a number", ""),
    (r"Invalid value for (.*): .*greater than or equal to (\d+(?:\.\d+)?)\.?", r"\1 should be at least \2", ""),
    (r"Invalid value for (.*): .*less than or equal to (\d+(?:\.\d+)?)\.?", r"\1 should be at most \2", ""),
    (r"Invalid value for (.*): (?:Value error, )?('.*') is not one of (.*?)\.?", r"\1 should be one of \3, not \2", ""),
)


def mistake(error: Exception, command: str) -> Mistake:
    """The parser's error as a mistake of the user's in this command."""
    text = str(getattr(error, "format_message", error.__str__)()).replace("' / '", " or ")
    for pattern, what, near in _SAYINGS:
        if found := re.fullmatch(pattern, text, re.DOTALL):
            said = re.sub(r"'(-[^']*|[A-Z]+)'", r"\1", found.expand(what))  # what --help spells so needs no quotes
            return Mistake(command, said, found.expand(near) or _help(command))
    return Mistake(command, f"{text[:1].lower()}{text[1:]}".rstrip("."), _help(command))


def _help(command: str) -> str:
    return f"`{command} --help` says what there is"
