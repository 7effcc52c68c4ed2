"""What a stored field may hold: ranges that every honest run stays within, with their units."""

import re
from typing import Annotated

from pydantic import Field

_FIELD = r"[A-Za-z_][A-Za-z0-9_]*=[A-Za-z0-9_.:+()-]*"
METHOD = r"^[A-Za-z_][A-Za-z0-9_-]*$"
LABEL = (
    rf"^{METHOD[1:-1]}(\[{_FIELD}(,{_FIELD})*\])?"
    r"(\+[A-Za-z0-9_.,=-]+)*(@[A-Za-z0-9._-]+)?$"
)
"""METHOD or METHOD[field=value,..], then +NAME for settings of its own, @NAME for a checkpoint."""
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$"
"""Of a track, which is a folder's as well."""
TITLE = r"^[A-Za-z0-9_][A-Za-z0-9_.+ -]*$"
"""Of a data set."""
PLACE = rf"^v[1-9][0-9]*/{NAME[1:-1]}/{LABEL[1:-1]}/seed(0|[1-9][0-9]*)\.json$"
"""Of a record's file below a board's records: vN/TRACK/LABEL/seedN.json."""
ROW = rf"^{NAME[1:-1]}/{LABEL[1:-1]}$"
"""Of a study: POINT/LABEL."""
MOST_OF_LABEL, MOST_OF_NAME = 200, 100
"""Characters."""
MOST = 10**15
"""Of whatever is counted: all that was ever written has fewer tokens."""
SHA256 = r"^[0-9a-f]{64}$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

Mark = Annotated[int, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Whole = Annotated[int, Field(ge=-MOST, le=MOST)]
Calls = Annotated[int, Field(ge=0, le=10**6, json_schema_extra={"unit": "calls"})]
Options = Annotated[int, Field(ge=0, le=10**6)]
Method = Annotated[str, Field(pattern=METHOD, max_length=MOST_OF_LABEL)]
Label = Annotated[str, Field(pattern=LABEL, max_length=MOST_OF_LABEL)]
Name = Annotated[str, Field(pattern=NAME, max_length=MOST_OF_NAME)]
Row = Annotated[str, Field(pattern=ROW, max_length=MOST_OF_NAME + 1 + MOST_OF_LABEL)]
Title = Annotated[str, Field(pattern=TITLE, max_length=MOST_OF_NAME)]
Place = Annotated[str, Field(pattern=PLACE)]
Sha256 = Annotated[str, Field(pattern=SHA256)]
Day = Annotated[str, Field(pattern=DATE)]
"""YYYY-MM-DD, in UTC."""

Tokens = Annotated[int, Field(ge=0, le=MOST, json_schema_extra={"unit": "tokens"})]
Bytes = Annotated[int, Field(ge=0, le=2**53, json_schema_extra={"unit": "bytes"})]
Flops = Annotated[int, Field(ge=0, le=10**18, json_schema_extra={"unit": "FLOP"})]
"""Of one question: within 64 bits, which tables of other tools hold."""
TrainingFlops = Annotated[int, Field(ge=0, le=10**30, json_schema_extra={"unit": "FLOP"})]
Share = Annotated[float, Field(ge=0, le=1, json_schema_extra={"unit": "fraction"})]
Loss = Annotated[float, Field(ge=-1e6, le=1e6, json_schema_extra={"unit": "nats"})]
Grade = Annotated[float, Field(ge=-1e12, le=1e12)]
PromptSeconds = Annotated[float, Field(gt=0, le=3600, json_schema_extra={"unit": "s"})]
"""For a first token, or for one more: an hour is no measurement but a fault."""
TrainingSeconds = Annotated[float, Field(ge=0, le=1e9, json_schema_extra={"unit": "s"})]
Rate = Annotated[float, Field(gt=0, le=1e9, json_schema_extra={"unit": "questions/s"})]


def labels_in(text: str) -> list[str]:
    """The labels that a text names with commas between them; those of fields are theirs."""
    return [name.strip() for name in re.split(r",(?![^\[]*\])", text) if name.strip()]
