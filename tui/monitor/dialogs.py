"""Dialogs over a screen: the keys, and a question with one line to answer it."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static, TextArea

from relay.tui.safe import one_line, visible

KEYS = """\
The run
  enter   open the rollout under the cursor
  /       filter: words that must all hold, such as
          wrong  m=0.4  tokens>500  #7  or part of a name;
          correct wrong undecided open failed missing budget
  s  S    sort by another column; turn the order round
  d       mark a rollout; again on another: both side by side
  p       pause the whole run at its next commits; go on
  t       light or dark
  q       leave: the run goes on
  ctrl+p  every command by name

A thought
  j  k    the next segment, the one before
  n  N    the next handoff, the one before
  /       search;  f  F  the next found, the one before
  x       unfold dropped drafts and what judges wrote
  [  ]    another pen, where the thought branches
  g       the graph, or its place for the text
  c  C    copy the segment, the whole thought
  =       another rollout beside this one
  space   play it as it was written;  +  -  faster, slower
  escape  back

Taking part, while it is written
  p  s    pause at the next commit, go on; one step
  i       insert a segment of yours
  e       edit the last segment; pause first
  v       veto: the last segment, or the one that is being
          written, is taken back and written anew
  o       choose the edge that the pen takes
  a       answer what a node asks you
  b       branch off: a new rollout from the segment at the cursor

Marks
  ▶ cursor   ● a pen stands here   ▸ folded   ✓ right   ✗ wrong
  Each node has a colour and a bar of its own.
  A score of fewer than 20 rollouts is dim.
  ␛ <U+202E>: control characters that a model wrote.
"""


class Help(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Back")]

    def compose(self) -> ComposeResult:
        """One page."""
        with VerticalScroll():
            yield Static(KEYS, markup=False)


class Ask(ModalScreen[str]):
    """A question; the answer is a line, empty when the user thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Back")]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question and a place for the answer."""
        with Vertical():
            yield Static(self._question, markup=False)
            yield Input()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """It has been answered."""
        self.dismiss(event.value)


class Write(ModalScreen[str | None]):
    """A text of several lines; None when the user thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send", priority=True),
        Binding("escape", "dismiss(None)", "Back", priority=True),
    ]

    def __init__(self, question: str, text: str = "") -> None:
        super().__init__()
        self._question, self._text = question, text

    def compose(self) -> ComposeResult:
        """The question and a place for the text."""
        with Vertical():
            yield Static(visible(self._question), markup=False)
            yield TextArea(self._text, soft_wrap=True)
            yield Static("ctrl+s sends it as it stands, spaces and line ends too; escape leads back", classes="hint")

    def on_mount(self) -> None:
        """The cursor stands at the end."""
        words = self.query_one(TextArea)
        words.move_cursor(words.document.end)
        words.focus()

    def action_send(self) -> None:
        """It is written."""
        self.dismiss(self.query_one(TextArea).text)


class Choose(ModalScreen[str | None]):
    """One of several; None when the user thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, question: str, there: Sequence[str]) -> None:
        super().__init__()
        self._question, self._there = question, list(there)

    def compose(self) -> ComposeResult:
        """The question and what may be chosen."""
        with Vertical():
            yield Static(visible(self._question), markup=False)
            yield OptionList(*(Text(one_line(each, 60)) for each in self._there))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """It is chosen."""
        self.dismiss(self._there[event.option_index])
