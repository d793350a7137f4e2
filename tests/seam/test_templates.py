"""The head of every prompt. The templates here are made up, with the habits of real ones."""

import pytest
import tokenizers
from tokenizers import processors

from relay.engine.scripted import SHIPPED, TEMPLATE
from relay.errors import UserError
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer

# Puts in a system turn of its own, knows no thinking: as SmolLM2 and Qwen2.5 do.
INJECTS = """{% for m in messages %}{% if loop.first and m['role'] != 'system' %}{{ '<|im_start|>system
You are a helpful assistant.<|im_end|>
' }}{% endif %}{{ '<|im_start|>' + m['role'] + '
' + m['content'] + '<|im_end|>
' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}"""
# Speaks of thinking, leaves its opening to the model, and answers without it when told: as Qwen3 does.
LEAVES = """{%- for m in messages %}
    {%- if m.role == "assistant" and '</think>' in m.content %}
        {%- set content = m.content.split('</think>')[-1].lstrip('\\n') %}
    {%- else %}
        {%- set content = m.content %}
    {%- endif %}
    {{- '<|im_start|>' + m.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""
# Begins with a beginning-of-text token and opens the thinking itself: as R1 does.
OPENS = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}{% endif %}
{%- for m in messages if m['role'] == 'user' %}{{ '<|user|>' + m['content'] }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|><think>\\n' }}{% endif %}"""


@pytest.fixture(scope="module")
def thinker() -> Tokenizer:
    """A tokenizer with the tags of all these templates, which puts a <s> before every text."""
    tok = tokenizers.Tokenizer.from_file(str(SHIPPED))
    tok.add_special_tokens(["<|im_start|>", "<|im_end|>", "<s>"])
    start = tok.token_to_id("<s>")
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", start)])
    return Tokenizer.from_rust(tok, ["<|im_end|>"])


def test_what_a_template_injects_is_in_the_head(smollm2: Tokenizer) -> None:
    head = Template(smollm2, INJECTS).render("What is 2+3?")
    assert head.text.startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n")
    assert head.text.endswith("What is 2+3?<|im_end|>\n<|im_start|>assistant\n")
    assert head.thinking == "none"
    assert smollm2.text_of(head.ids) == head.text
    assert list(head.ids).count(smollm2.special["<|im_start|>"]) == 3


def test_an_explicit_system_turn_takes_its_place(smollm2: Tokenizer) -> None:
    head = Template(smollm2, INJECTS).render("What is 2+3?", "Be brief.")
    assert head.text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n")


def test_thinking_that_the_template_leaves_to_the_model_is_opened_by_relay(thinker: Tokenizer) -> None:
    head = Template(thinker, LEAVES).render("Why?")
    assert head.thinking == "relay"
    assert head.text == "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n<think>\n"
    assert thinker.think is not None
    assert head.ids[-2:] == (thinker.think.open, *thinker.encode("\n"))


def test_thinking_that_the_template_opens_is_not_opened_twice(thinker: Tokenizer) -> None:
    head = Template(thinker, OPENS, bos="<s>").render("Why?")
    assert head.thinking == "template"
    assert head.text == "<s><|user|>Why?<|assistant|><think>\n"


def test_there_is_one_beginning_of_text(thinker: Tokenizer) -> None:
    head = Template(thinker, OPENS, bos="<s>").render("Why?")
    assert list(head.ids).count(thinker.special["<s>"]) == 1
    assert thinker.special["<s>"] not in Template(thinker, LEAVES, bos="<s>").render("Why?").ids


def test_thinking_may_be_refused(thinker: Tokenizer) -> None:
    head = Template(thinker, LEAVES, thinking=False).render("Why?")
    assert head.thinking == "none"
    assert head.text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert Template(thinker, TEMPLATE, thinking=False).render("Why?").text == "<|user|>\nWhy?\n<|assistant|>\n"


def test_thinking_may_be_insisted_on(thinker: Tokenizer, smollm2: Tokenizer) -> None:
    assert Template(thinker, INJECTS).render("Why?").thinking == "none"
    assert Template(thinker, INJECTS, thinking=True).render("Why?").text.endswith("assistant\n<think>\n")
    with pytest.raises(UserError, match="thinking: this model has no tokens <think> and </think>"):
        Template(smollm2, INJECTS, thinking=True)


def test_a_template_that_closes_the_thinking_at_once_has_none(thinker: Tokenizer) -> None:
    source = "{{ messages[0].content }}<|assistant|><think>\n</think>\n"
    assert Template(thinker, source).render("Why?").thinking == "none"


def test_a_base_model_goes_on_after_the_question(thinker: Tokenizer, smollm2: Tokenizer) -> None:
    assert Template(smollm2, None).render("2+3=5. 4+4=").text == "2+3=5. 4+4=\n"
    head = Template(thinker, None).render("Why <think>?", "Think.")
    assert head.text == "<s>Think.\n\nWhy <think>?\n"
    assert head.ids[0] == thinker.special["<s>"]
    assert thinker.text_of(head.ids) == head.text
    assert head.thinking == "none"
    assert thinker.think is not None
    assert thinker.think.open not in head.ids


def test_templates_get_what_their_authors_count_on(thinker: Tokenizer) -> None:
    source = (
        "{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}"
        "{{ strftime_now('%d %b %Y') }}{{ {'ü': [1, '<']} | tojson }}{% generation %}!{% endgeneration %}"
    )
    assert Template(thinker, source).render("").text == '1301 Jan 2025{"ü": [1, "<"]}!'


def test_a_template_may_refuse(thinker: Tokenizer) -> None:
    source = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}ok"
    template = Template(thinker, source)
    assert template.render("Why?").text == "ok"
    with pytest.raises(UserError, match="chat template: cannot be rendered: System role not supported"):
        template.render("Why?", "Be brief.")


def test_a_template_that_is_none_is_told(thinker: Tokenizer) -> None:
    with pytest.raises(UserError, match="chat template:2: is no Jinja"):
        Template(thinker, "a\n{% for %}")


def test_a_template_cannot_reach_into_python(thinker: Tokenizer) -> None:
    with pytest.raises(UserError, match="cannot be rendered"):
        Template(thinker, "{{ messages.__class__.__mro__ }}").render("Why?")


def test_the_fingerprint_is_that_of_all_that_shapes_a_head(thinker: Tokenizer) -> None:
    prints = [
        Template(thinker, source, bos=bos, thinking=thinking).fingerprint
        for source, bos, thinking in [(OPENS, "<s>", None), (OPENS, "", None), (OPENS, "<s>", False), (None, "", None)]
    ]
    assert len(set(prints)) == 4
    assert Template(thinker, OPENS, bos="<s>").fingerprint == prints[0]
    assert len(prints[0]) == 16
