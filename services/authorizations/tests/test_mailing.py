"""There is one way to tell somebody, and whoever tells says what bounds it."""

import ast
from pathlib import Path

import services.authorizations
from contracts.notifications import MAIL_REQUESTS

ROOM = Path(services.authorizations.__path__[0])
NAMES = {request.__name__ for request in MAIL_REQUESTS}


def called(file: Path) -> set[str]:
    """The names that a file calls."""
    calls = (node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    return {func.id for func in calls if isinstance(func, ast.Name)}


def test_no_room_makes_a_mail_itself_past_the_budgets() -> None:
    files = [file for file in ROOM.rglob("*.py") if "tests" not in file.parts]
    made = {str(file.relative_to(ROOM)): found for file in files if (found := called(file) & NAMES)}
    assert made == {}
