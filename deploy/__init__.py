"""How the platform is deployed: images, the chart and its sizes, and what writes or reckons parts of them."""

from pathlib import Path

CHART = Path(__file__).parent / "helm" / "mandat"
SIZES = CHART.parent / "sizes"
