"""The section of a track of triples: what each cut keeps, by relation, and the probe."""

from collections.abc import Sequence

from leaderboard.rows.triples import Facts, Means
from leaderboard.stats.formats import NONE, interval, percent, ratio, tabulated


def section(track: str, found: Sequence[Facts], picture: str) -> list[str]:
    """Its parts in Markdown; `picture` is the file's name."""
    return [
        f"### {track}: what a cut keeps\n",
        f"![Accuracy by how much of the machine's corpus a critic keeps](pictures/{picture})\n",
        f"{cuts_table(found)}\n",
        f"{CUTS_NOTE}\n",
        f"### {track}: by relation\n",
        f"{relations_table(found)}\n",
        f"{RELATIONS_NOTE}\n",
        f"### {track}: probe\n",
        f"{probe_table(found)}\n",
        f"{PROBE_NOTE}\n",
    ]


def cuts_table(found: Sequence[Facts]) -> str:
    """A line for each label that was trained on triples or asks a critic, the largest cut first."""
    heads = ("method", "seeds", "triples", "true %", "distinct tails", "distinct-2")
    heads += ("AUROC", "AP", "P@R80 %", "ECE", "ID %", "OOD %")
    body = [
        [
            each.label,
            str(each.n_seeds),
            f"{each.cut['n']:,.0f}" if each.cut else NONE,
            percent(each.cut.get("share_true")),
            f"{each.cut['distinct_tails']:,.0f}" if each.cut else NONE,
            ratio(each.cut.get("distinct_2")),
            ratio(each.critic.get("auroc")),
            ratio(each.critic.get("average_precision")),
            percent(each.critic.get("precision_at_80_recall")),
            ratio(each.critic.get("calibration_error")),
            interval(each.accuracy["id"]),
            interval(each.accuracy["ood"]),
        ]
        for each in sorted(found, key=lambda each: -each.cut.get("n", 0))
        if each.cut or each.critic
    ]
    return tabulated(heads, body, "markdown")


CUTS_NOTE = (
    "Of the triples that a row is trained on: how many, which share is true where the suite knows"
    " it, how many different tails, and the share of different pairs of words among all pairs. Of"
    " the critic on labels with which it was neither taught nor cut (pocket-commonsense shows it"
    " their triples before, each as true): area under the ROC curve, average precision, the best"
    " precision of a cut that keeps 80 % of the true ones, expected calibration error (- for PMI,"
    " whose scores are no probabilities). Means over seeds."
)


def relations_table(found: Sequence[Facts]) -> str:
    """Accuracy in each relation, ID / OOD."""
    names = sorted({name for each in found for group in each.relations.values() for name in group})
    body = [
        [
            each.label,
            *(
                " / ".join(percent(each.relations[group].get(name)) for group in ("id", "ood"))
                for name in names
            ),
        ]
        for each in found
    ]
    return tabulated(("method", *names), body, "markdown")


RELATIONS_NOTE = "Accuracy in %, ID / OOD, over all seeds."


def probe_table(found: Sequence[Facts]) -> str:
    """A line for each label and data set whose candidates were ranked, or tails written."""
    heads = ["method", "data set", "n", "P@1 %", "P@10 %", "MRR", "novel %", "distinct-2"]
    graded = any("bleu_2" in said for each in found for said in each.written.values())
    heads += ["BLEU-2 %", "ROUGE-L %"] if graded else []
    judged = any(each.judge for each in found)
    heads += ["accepted % (floor, ceiling)", "judge's AUROC"] if judged else []
    body = list[list[str]]()
    for each in found:
        for name, said in each.written.items():
            probe = each.probes.get(name)
            ranked = [NONE] * 4
            if probe is not None:
                shares = percent(probe.p_1), percent(probe.p_10)
                ranked = [str(probe.n), *shares, ratio(probe.mrr)]
            varied = [percent(said.get("novel")), ratio(said.get("distinct_2"))]
            varied += [percent(said.get(grade)) for grade in ("bleu_2", "rouge_l") if graded]
            body.append([each.label, name, *ranked, *varied, *(_judged(each, said) * judged)])
    return tabulated(heads, body, "markdown")


def _judged(each: Facts, said: Means) -> list[str]:
    if "accepted" not in said:
        return [NONE, NONE]
    ends = ", ".join(percent(each.judge.get(end)) for end in ("floor", "ceiling"))
    return [f"{percent(said['accepted'])} ({ends})", ratio(each.judge.get("auroc"))]


PROBE_NOTE = (
    "The rank of the right tail among candidates of its relation, by log-likelihood: over n"
    " questions a seed, unweighted mean over relations. Of the tails that a row writes: the share"
    " that no row of the corpus ends with, and of different pairs of words among all pairs."
    " BLEU-2, ROUGE-L: likeness to the nearest right tail, mean over questions."
    " Accepted: the share that a judge takes for true, an estimate; of tails that people wrote it"
    " takes the ceiling, of those swapped within their relation the floor."
)
