"""personal_fields, which is written over so that a person can be erased, is written in one place."""

import re
from pathlib import Path

SERVICE = Path(__file__).parents[1]
WRITES = re.compile(r"(insert\s+into|update|delete\s+from|truncate|copy)\s+personal_fields", re.IGNORECASE)


def test_no_other_room_writes_to_the_table_of_persons() -> None:
    code = [file for file in SERVICE.rglob("*.py") if "tests" not in file.relative_to(SERVICE).parts]
    writing = {str(file.relative_to(SERVICE)) for file in code if WRITES.search(file.read_text(encoding="utf-8"))}
    assert writing == {"personal/storage.py"}
