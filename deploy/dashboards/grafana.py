"""A dashboard as Grafana 11 reads it: rows of panels, each over a few PromQL expressions. Plain dictionaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

SCHEMA = 39  # Grafana 11.0; later ones bring it up to theirs as they load it
WIDTH = 24  # columns of a dashboard
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
RUNBOOKS = "docs/runbooks"  # the chart puts in its place where they can be read


@dataclass(frozen=True)
class Query:
    """An expression, and what its lines are called."""

    expr: str
    legend: str = "{{service}}"


@dataclass(frozen=True)
class Panel:
    """`normal` says what it shows and what is normal. `alerts` are those whose runbooks help when it is not.

    `unit` is one of Grafana's; `limits` are where it turns yellow and red, or red and then green where `more_is_good`.
    """

    title: str
    normal: str
    queries: Sequence[Query]
    unit: str = "short"
    kind: Literal["timeseries", "stat", "table"] = "timeseries"
    alerts: Sequence[str] = ()
    limits: Sequence[float] = ()
    more_is_good: bool = False
    stacked: bool = False
    least: float | None = 0
    most: float | None = None
    width: int = 8
    height: int = 8


@dataclass(frozen=True)
class Row:
    """Panels under one title."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Dashboard:
    """`name` is its file's and, behind "mandat-", its uid."""

    name: str
    title: str
    about: str
    rows: Sequence[Row]
    refresh: str = "30s"
    span: str = "now-3h"


def render(board: Dashboard, others: Sequence[Dashboard]) -> dict[str, Any]:
    """What Grafana imports."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in board.rows:
        panels.append({
            "type": "row", "title": row.title, "collapsed": False, "panels": [],
            "id": len(panels) + 1, "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
        })  # fmt: skip
        x, y, tallest = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            panels.append(_panel(panel) | {"id": len(panels) + 1, "gridPos": place})
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return {
        "uid": f"mandat-{board.name}",
        "title": f"Mandat / {board.title}",
        "description": board.about,
        "tags": ["mandat"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": board.refresh,
        "time": {"from": board.span, "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source(), *map(_variable, VARIABLES)]},
        "annotations": {"list": [_firing()]},
        "links": [
            {
                "type": "link", "title": other.title, "tooltip": other.about, "url": f"/d/mandat-{other.name}",
                "keepTime": True, "includeVars": True, "targetBlank": False, "icon": "dashboard",
            }
            for other in others
            if other is not board
        ],
        "panels": panels,
    }  # fmt: skip


def _panel(panel: Panel) -> dict[str, Any]:
    colours = ("red", "orange", "green") if panel.more_is_good else ("green", "orange", "red")
    steps: list[dict[str, Any]] = [{"color": colours[0], "value": None}]
    steps += [{"color": colour, "value": limit} for colour, limit in zip(colours[1:], panel.limits, strict=False)]
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.least is not None:
        defaults["min"] = panel.least
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "lineWidth": 1,
            "fillOpacity": 30 if panel.stacked else 5,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if panel.limits else "off"},
        }
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.normal,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": OPTIONS[panel.kind],
        "targets": [_target(place, query, panel.kind) for place, query in enumerate(panel.queries)],
        "links": [
            {"title": f"Runbook: {alert}", "url": f"{RUNBOOKS}/{alert}.md", "targetBlank": True}
            for alert in panel.alerts
        ],
    }


OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "background",
        "graphMode": "area",
        "justifyMode": "auto",
        "textMode": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}


def _target(place: int, query: Query, kind: str) -> dict[str, Any]:
    is_table = kind == "table"
    return {
        "refId": chr(ord("A") + place),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "instant": is_table,
        "range": not is_table,
        "format": "table" if is_table else "time_series",
    }


VARIABLES = (
    ("namespace", "Release's namespace", "label_values(mandat_process_info, namespace)", False),
    ("service", "Service", 'label_values(mandat_process_info{namespace=~"$namespace"}, service)', True),
)


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1}


def _variable(variable: tuple[str, str, str, bool]) -> dict[str, Any]:
    name, label, query, is_several = variable
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": is_several,
        "includeAll": is_several,
        **({"allValue": ".*", "current": {"text": "All", "value": "$__all"}} if is_several else {}),
    }


def _firing() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertname=~"Mandat.*",alertstate="firing",severity="page",namespace=~"$namespace"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{service}}",
        "step": "60s",
    }
