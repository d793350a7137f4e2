"""The keys at the bottom forget the ones before: what they lean on in Textual is still there."""

from textual.app import App, ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from relay.tui.monitor.keys import Keys


class Keyed(App[None]):
    """A screen with three keys."""

    BINDINGS = [("a", "a", "A"), ("b", "b", "B"), ("c", "c", "C")]  # noqa: RUF012  as Textual has it

    def compose(self) -> ComposeResult:
        yield Keys(compact=True)


async def test_the_footer_holds_no_more_watchers_than_it_has_keys() -> None:
    async with Keyed().run_test() as pilot:
        footer = pilot.app.query_one(Footer)
        for _ in range(8):
            footer.refresh(recompose=True)
            await pilot.pause()
        watched = getattr(footer, "__watchers", {}).get("compact")
        assert watched, "Textual keeps them elsewhere now: look whether they still stay for ever, and at Keys"
        assert len(watched) <= 2 * len(footer.query(FooterKey)), "those of the last two times at most"


async def test_a_key_that_does_not_fit_does_not_show_behind_the_last_one() -> None:
    async with Keyed().run_test(size=(12, 3)) as pilot:
        await pilot.pause()
        line = pilot.app.screen._compositor.render_strips()[-1].text
        assert line.endswith("palette "), line
