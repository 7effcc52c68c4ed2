"""What a teacher is asked.

The structure is that of SKIntern's prompts (appendix D), in words of our own: a role, the task,
what is required, the form of the reply, the question.
"""

from collections.abc import Mapping
from typing import Any

from bench.ground.provenance import digest
from tasks.scoring import CONCLUSION

RATIONALE = """\
You are an experienced teacher who shows a student how to solve questions about {task}.
Explain before you answer: go through the question step by step, and name the rules, facts and \
calculations that each step uses. Then finish with one line that gives the answer alone, in \
exactly this form: "{conclusion} ..."

Question: {question}
Answer: Let's think step by step."""

KNOWLEDGE = """\
You are an excellent teacher. A student will have to solve questions about {task} alone, later and \
without this example. Write down what helps with every question of the kind.

### Requirements
1. The learning summary says in general how such a question is understood, which steps lead to its \
answer, how a step is calculated or checked, and what to be careful about.
2. The supplementary knowledge lists the facts, definitions, formulas and techniques that such \
questions take for granted.
3. Both are numbered lists of short sentences that can be used as they stand.
4. Neither analyses the example: what is special to it does not belong there.

### Return format
Learning Summary: [a numbered list]
Supplementary Knowledge: [a numbered list]

### Example
Question: {question}
Answer: {rationale} {conclusion} {answer}.

Now write both parts in the return format, whatever the example was."""

OPTIONS = "{question}\nOptions:\n{options}"

PROMPT_SHA256 = digest([RATIONALE, KNOWLEDGE, OPTIONS, CONCLUSION])
"""Pins the wording: replies to other prompts are never mixed with these."""


def rationale_prompt(row: Mapping[str, Any]) -> str:
    """p_c: the question, without its answer."""
    return RATIONALE.format(task=_task(row), question=_question(row), conclusion=CONCLUSION)


def knowledge_prompt(row: Mapping[str, Any], rationale: str) -> str:
    """p_k: the question with a right rationale and its answer."""
    return KNOWLEDGE.format(
        task=_task(row),
        question=_question(row),
        rationale=rationale,
        conclusion=CONCLUSION,
        answer=row["answer"],
    )


def _task(row: Mapping[str, Any]) -> str:
    return str(row["task"]).replace("_", " ")


def _question(row: Mapping[str, Any]) -> str:
    options = row.get("options") or []
    # Published questions name their options themselves.
    if all(option in row["question"] for option in options):
        return row["question"]
    return OPTIONS.format(question=row["question"], options="\n".join(options))
