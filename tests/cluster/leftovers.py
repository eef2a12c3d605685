"""What a release leaves when it was uninstalled: every kind of object of the cluster is looked through."""

from collections.abc import Collection

from tests.cluster.kube import Namespace, run
from tests.cluster.release import OURS

MADE_BY_KUBERNETES = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
"""In every namespace."""

COMES_AND_GOES = {"events", "events.events.k8s.io", "endpoints", "endpointslices.discovery.k8s.io"}
"""Kinds that tell of what was, or end some moments after what they are for."""


def kinds(*, namespaced: bool) -> list[str]:
    """Every kind of object that can be listed."""
    found = run(["kubectl", "api-resources", f"--namespaced={str(namespaced).lower()}", "--verbs=list", "-o", "name"])
    return [kind for kind in found.split() if kind not in COMES_AND_GOES]


def in_namespace(namespace: Namespace) -> set[str]:
    """kind/name of everything in a namespace."""
    found = namespace.kubectl("get", ",".join(kinds(namespaced=True)), "-o", "name", "--ignore-not-found")
    return set(found.split()) - MADE_BY_KUBERNETES


def of_release(*, namespaced: bool) -> set[str]:
    """kind/name of everything in the cluster that bears the release's label."""
    return set(
        run(
            ["kubectl", "get", ",".join(kinds(namespaced=namespaced)), "-l", OURS, "-o", "name", "--ignore-not-found"]
            + (["--all-namespaces"] if namespaced else [])
        ).split()
    )


def left(before: Collection[str], after: Collection[str]) -> list[str]:
    """What is there that was not before."""
    return sorted(set(after) - set(before))
