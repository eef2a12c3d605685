"""The table of values in the chart's README, from values.yaml and values.schema.json:
`python -m deploy.values_table` writes it.
"""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from contracts import flow
from deploy import CHART

Object = dict[str, Any]

README = CHART / "README.md"
BEGIN, END = "<!-- values: python -m deploy.values_table -->", "<!-- end of values -->"

VALUES: Object = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA: Object = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

Path = tuple[str, ...]

OF_ANY_NAME = {
    "labels", "annotations", "nodeSelector", "env", "podSelector", "namespaceSelector", "matchLabels", "tolerations",
    "config", "parameters", "oauthListener",
}  # fmt: skip
"""Objects whose keys are the operator's own, or Kubernetes'."""

FEW = 5  # words

IN_ONE_ROW = {"secret", "configMap"}
"""What has one of these keys is a reference, and told in one row."""


def resolved(schema: Object) -> Object:
    """The schema with what it refers to; what is said beside a reference goes first."""
    if "$ref" in schema:
        found: Any = SCHEMA
        for key in schema["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        return {**resolved(found), **schema}
    return schema


def told(path: Path) -> Object:
    """The schema of what stands there. KeyError where there is none."""
    found = SCHEMA
    for key in path:
        found = resolved(found)["properties"][key]
    return resolved(found)


def rows(values: Object, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each value with its default; a service stands for all."""
    for key, value in values.items():
        here = (*path, key)
        if here[0] == "services" and len(here) > 1 and here[1] != flow.SERVICES[0]:
            continue
        whole = not isinstance(value, dict) or not value or key in OF_ANY_NAME or key == "resources"
        if whole or IN_ONE_ROW & value.keys():
            yield here, value
        else:
            yield from rows(value, here)


def said(path: Path) -> str:
    """What the row says; a few words that lean on what stands above them have that before them."""
    words: str = told(path)["description"]
    leans = len(path) > 1 and path[:-2] != ("services",) and len(words.split()) <= FEW
    return f"{told(path[:-1])['description']} {words}" if leans else words


def table() -> str:
    """The rows as Markdown."""
    lines = ["| value | default | |", "|---|---|---|"]
    for path, value in rows(VALUES):
        name = ".".join("S" if number == 1 and path[0] == "services" else key for number, key in enumerate(path))
        default = json.dumps(value, ensure_ascii=False).replace(flow.SERVICES[0], "S" if "S." in name else "accounts")
        lines.append(f"| `{name}` | `{default}` | {said(path).replace('|', '&#124;')} |")
    return "\n".join(lines)


def readme(text: str) -> str:
    """The README with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
