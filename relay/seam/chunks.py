"""Where chunks of a thought end: whole sentences, as many as make thirty words."""

from relay.sentences import ends as sentence_ends

WORDS = 30  # at least so many in a chunk, but for the last


def ends(text: str) -> list[int]:
    """The ends of the chunks of this text, the last of which is its own; a text without words has none."""
    found: list[int] = []
    words = last = 0
    for end in [*sentence_ends(text), len(text)]:
        words += len(text[last:end].split())
        last = end
        if words >= WORDS:
            found.append(end)
            words = 0
    if words:
        return [*found, len(text)]
    return [*found[:-1], len(text)] if found else []  # white space at the end belongs to the last
