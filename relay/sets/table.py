"""The problem sets that have a name: where the hub keeps each, its columns, how many problems it has, and its licence.

Written down without a hub at hand. Repositories, splits and counts are those of the hub's own pages for `humaneval+`,
`mbpp`, `mbpp+` and `lkevinzc/math-eval`; for the others, those by which published evaluation suites load them, with the
counts of their papers. A run says when what it finds is not as large as it says here.
"""

from relay.sets.hub import HubSet, JoinedSet
from relay.sets.shapes import Choice, Function, Plain, Prediction, Task

aime24 = HubSet(
    name="aime24", title="AIME 2024, both parts",
    repo="HuggingFaceH4/aime_2024", split="train", count=30,
    shape=Plain("problem", "answer"),
    licence="not stated", source="Mathematical Association of America",
)  # fmt: skip
aime25 = HubSet(
    name="aime25", title="AIME 2025, both parts",
    repo="math-ai/aime25", split="test", count=30,
    shape=Plain("problem", "answer"),
    licence="not stated", source="Mathematical Association of America",
)  # fmt: skip
math500 = HubSet(
    name="math500", title="500 problems of MATH's test split",
    repo="HuggingFaceH4/MATH-500", split="test", count=500,
    shape=Plain("problem", "answer"), id="unique_id",
    licence="MIT (MATH)", source="arXiv 2103.03874, 2305.20050",
)  # fmt: skip
minerva = HubSet(
    name="minerva", title="Minerva math: problems of MIT's OpenCourseWare",
    repo="math-ai/minervamath", split="test", count=272,
    shape=Plain("question", "answer"),
    licence="not stated", source="arXiv 2206.14858",
)  # fmt: skip
# Of OlympiadBench, the open-ended English mathematics without pictures. This copy's page says 675, the paper's number;
# Hothan/OlympiadBench, OE_TO_maths_en_COMP, is the authors' own and has 674.
olympiadbench = HubSet(
    name="olympiadbench", title="OlympiadBench: mathematics in English, text only",
    repo="lkevinzc/math-eval", split="olympiad_bench", count=675,
    shape=Plain("problem", "answer"),
    licence="Apache-2.0", source="arXiv 2402.14008",
)  # fmt: skip
gsm8k = HubSet(
    name="gsm8k", title="Grade school word problems",
    repo="openai/gsm8k", config="main", split="test", count=1319,
    shape=Plain("question", "answer"),
    licence="MIT", source="arXiv 2110.14168",
)  # fmt: skip
humaneval = HubSet(
    name="humaneval", title="HumanEval: functions from their docstrings",
    repo="openai/openai_humaneval", split="test", count=164,
    shape=Function(), id="task_id",
    licence="MIT", source="arXiv 2107.03374",
)  # fmt: skip
humaneval_plus = HubSet(
    name="humaneval+", title="HumanEval with EvalPlus' tests",
    repo="evalplus/humanevalplus", split="test", count=164,
    shape=Function(), id="task_id",
    licence="Apache-2.0", source="arXiv 2305.01210",
)  # fmt: skip
mbpp = HubSet(
    name="mbpp", title="MBPP's test split, tasks 11 to 510",
    repo="google-research-datasets/mbpp", config="full", split="test", count=500,
    shape=Task("text", before="test_setup_code"), id="task_id",
    licence="CC-BY-4.0", source="arXiv 2108.07732",
)  # fmt: skip
mbpp_plus = HubSet(
    name="mbpp+", title="MBPP with EvalPlus' tests",
    repo="evalplus/mbppplus", split="test", count=378,
    shape=Task(whole="test"), id="task_id",
    licence="Apache-2.0", source="arXiv 2305.01210",
)  # fmt: skip
cruxeval_output = HubSet(
    name="cruxeval-output", title="CruxEval-O: what does this function return?",
    repo="cruxeval-org/cruxeval", split="test", count=800,
    shape=Prediction("output"),
    licence="MIT", source="arXiv 2401.03065",
)  # fmt: skip
cruxeval_input = HubSet(
    name="cruxeval-input", title="CruxEval-I: for which input does it return this?",
    repo="cruxeval-org/cruxeval", split="test", count=800,
    shape=Prediction("input"),
    licence="MIT", source="arXiv 2401.03065",
)  # fmt: skip
_GPQA = Choice(
    "Question", "Correct Answer", ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"),
    kept=("High-level domain", "Subdomain"),
)  # fmt: skip
gpqa = HubSet(
    name="gpqa", title="GPQA main: graduate science, four options",
    repo="Idavidrein/gpqa", config="gpqa_main", split="train", count=448,
    shape=_GPQA, id="Record ID",
    licence="CC-BY-4.0, gated", source="arXiv 2311.12022",
)  # fmt: skip
gpqa_diamond = HubSet(
    name="gpqa-diamond", title="GPQA diamond, its hardest part",
    repo="Idavidrein/gpqa", config="gpqa_diamond", split="train", count=198,
    shape=_GPQA, id="Record ID",
    licence="CC-BY-4.0, gated", source="arXiv 2311.12022",
)  # fmt: skip

# 30 + 30 + 500 + 272 + 675
paper_math = JoinedSet(
    name="paper/math", title="The twin tests' paper, mathematics", count=1507,
    parts=(aime24, aime25, math500, minerva, olympiadbench),
)  # fmt: skip
# The paper says 1,762 and no more. The authors' script (data/prepare_dataset/allcode.py of Aochong-Li/perturb-r) puts
# 164 + 500 + 800 + 164 + 378 = 2,006 rows together, in this order; another one keeps the first of each question.
# HumanEval+ asks HumanEval's 164 again, so 1,762 means that 80 of MBPP+'s come with MBPP's words and shown tests:
# 164 + 500 + 800 + 298. The 80 is inferred, not counted: no hub was at hand. Should it be another, a run says so.
paper_code = JoinedSet(
    name="paper/code", title="The twin tests' paper, code; a question that comes again is left out", count=1762,
    parts=(humaneval, mbpp, cruxeval_output, humaneval_plus, mbpp_plus), once=True,
)  # fmt: skip
