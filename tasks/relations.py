"""The seven relations of West et al. 2021, in words that lead from an event to its tail."""

PHRASES = {
    "xAttr": "That shows PersonX to be",
    "xReact": "After it, PersonX feels",
    "xEffect": "As an effect, PersonX",
    "xIntent": "PersonX does it in order",
    "xWant": "Afterwards, PersonX would like",
    "xNeed": "Beforehand, PersonX has",
    "HinderedBy": "It will not happen if",
}
