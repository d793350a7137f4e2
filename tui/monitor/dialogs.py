"""Dialogs over a screen: the keys, and a question with one line to answer it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

KEYS = """\
The run
  enter   open the rollout under the cursor
  /       filter: words that must all hold, such as
          wrong  m=0.4  tokens>500  #7  or part of a name;
          correct wrong undecided open failed missing budget
  s  S    sort by another column; turn the order round
  d       mark a rollout; again on another: both side by side
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

Marks
  ▶ cursor   ● a pen stands here   ▸ folded   ✓ right   ✗ wrong
  Each author has a colour and a bar of its own.
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
