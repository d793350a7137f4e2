"""What relay asks of vLLM for one request: it must never stop before the cut does."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from relay.engine import Request

COLDEST, HOTTEST = 0.01, 2.0  # temperatures that vLLM draws at; it raises a colder one to the first without a word
BETWEEN = 32  # ids between two looks at a segment that will hardly be ended by its text
MOST_PROBABLE = 20  # ids from which the entropy is reckoned; vLLM's own limit for one request
LABELS = 128  # ids whose probabilities vLLM says beside the drawn one's

WRITER, SHORT, URGENT = 2, 1, 0  # priorities; the least goes first
_SHORT = 128  # ids: such a hop is soon over, and another model waits for it


def refused(request: Request) -> str:
    """Why vLLM cannot draw like this; empty where it can."""
    temperature = request.sampling.temperature
    if temperature and not COLDEST <= temperature <= HOTTEST:
        return f"vLLM draws at temperature 0 or from {COLDEST} to {HOTTEST:g}, not at {temperature:g}"
    return ""


def priority(request: Request) -> int:
    """Judges first, then short hops, then those who write on."""
    if request.urgent:
        return URGENT
    return SHORT if request.cut.tokens <= _SHORT or request.cut.looks == "always" else WRITER


def params(request: Request, words: int, *, speculates: bool = False) -> Any:
    """The SamplingParams of this request, for a model with so many ids. `speculates`: biases are refused then."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    cut, sampling = request.cut, request.sampling
    streams = request.watched or cut.looks != "at the end"
    banned = sorted(i for i in request.banned if i < words)
    said: dict[str, Any] = {}
    if request.entropy:
        said["logprobs"] = MOST_PROBABLE
    elif request.logprobs:
        said["logprobs" if not banned else "logprob_token_ids"] = banned[:LABELS] or 0
    if banned and not speculates:
        said["logit_bias"] = dict.fromkeys(banned, -math.inf)  # only `from_optional` would make it -100
    if cut.looks == "at times" and not request.watched and "stream_interval" in SamplingParams.__struct_fields__:
        said["stream_interval"] = BETWEEN
    asked = SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=0,
        seed=request.seed,
        max_tokens=cut.tokens,
        stop_token_ids=sorted(i for i in cut.ends if i < words),
        ignore_eos=True,  # what ends a turn is said above: neither more nor less
        detokenize=False,
        skip_special_tokens=False,
        output_kind=RequestOutputKind.DELTA if streams else RequestOutputKind.FINAL_ONLY,
        skip_clone=True,
        **said,
    )
    if banned and speculates:
        asked._bad_words_token_ids = [[i] for i in banned]
    return asked


def scoring(labels: Sequence[int], *, whole: bool) -> Any:
    """SamplingParams that say how probable these labels are after the prompt and, with `whole`, each of its ids."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=0.0,
        max_tokens=1,
        prompt_logprobs=0 if whole else None,
        logprob_token_ids=list(labels),
        ignore_eos=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
        skip_clone=True,
    )


def entropy_of(found: Mapping[int, Any], banned: frozenset[int]) -> float:
    """The entropy in nats of the most probable ids that are allowed, all others counted as one more: never too much."""
    allowed = [math.exp(said.logprob) for i, said in found.items() if i not in banned]
    lost = math.fsum(math.exp(said.logprob) for i, said in found.items() if i in banned)
    shares = [p / (1 - lost) for p in allowed if p and lost < 1]
    rest = 1 - math.fsum(shares)
    return -math.fsum(p * math.log(p) for p in (*shares, rest) if p > 0)


def among_allowed(found: Mapping[int, Any], drawn: int, banned: frozenset[int]) -> float:
    """The log-probability of the drawn id among those that are allowed: vLLM says it among all, banned ones, too."""
    lost = math.fsum(math.exp(found[i].logprob) for i in banned if i in found)
    return float(found[drawn].logprob) - (math.log1p(-lost) if lost < 1 else 0.0)
