"""The few shapes of PromQL that the dashboards need, all of one namespace and of the services that were chosen."""

OURS = 'namespace=~"$namespace",service=~"$service"'


def of(metric: str, only: str = "", ours: str = OURS) -> str:
    """A metric's series, `only` those with these labels too."""
    return f"{metric}{{{ours}{',' if only else ''}{only}}}"


def rate(metric: str, by: str = "service", only: str = "") -> str:
    """A counter's rise a second."""
    return f"sum by ({by}) (rate({of(metric, only)}[$__rate_interval]))"


def rose(metric: str, by: str = "service", only: str = "") -> str:
    """A counter's rise in an hour: for what is rare."""
    return f"sum by ({by}) (increase({of(metric, only)}[1h]))"


def worst(metric: str, by: str = "service", only: str = "") -> str:
    """The highest of what every process says, of the same tables or of itself."""
    return f"max by ({by}) ({of(metric, only)})"


def total(metric: str, by: str = "service", only: str = "") -> str:
    """The sum of what each process says of itself."""
    return f"sum by ({by}) ({of(metric, only)})"


def quantile(share: float, metric: str, by: str = "service", only: str = "") -> str:
    """In how many seconds so large a share was done."""
    buckets = f"sum by (le, {by}) (rate({of(f'{metric}_bucket', only)}[$__rate_interval]))"
    return f"histogram_quantile({share}, {buckets})"


def within(seconds: str, metric: str, by: str = "service", only: str = "") -> str:
    """Which share was done within so many seconds, one of the histogram's bounds."""
    bound = f'le="{seconds}"'
    done = rate(f"{metric}_bucket", by, f"{only},{bound}" if only else bound)
    return f"{done} / {rate(f'{metric}_count', by, only)}"


def most(number: int, expression: str) -> str:
    """The largest so many."""
    return f"topk({number}, {expression} > 0)"


def share(part: str, whole: str) -> str:
    """How much of the whole a part is: 0, and not nothing, where there has been none of it."""
    return f"({part} or 0 * {whole}) / {whole}"
